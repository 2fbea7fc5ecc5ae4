"""Figures of tracers: how many recorded cases are as expected, and what of each tracer is understood and lost."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.tracers.real.tracers import Tracer
from tests.tracers.recorded import (
    PARTLY,
    WHOLE,
    as_expected,
    as_told,
    by_start,
    decoded,
    executions_of_case,
    expected_of,
)
from tests.tracers.recorded_tracers import RECORDED
from tests.tracers.wanted import look_up, wanted_of
from tracehound.scripts.documents.stored import store

REPORT = Path(__file__).parents[2] / "docs/benchmarks/tracers.json"
Played = tuple[Tracer, Mapping[str, bool]]
"""A tracer that was really run, and what of the scene was understood."""


def is_as_expected(case: str) -> bool:
    """Whether a recorded case leads to what its people expect."""
    expected = expected_of(case)
    if case in WHOLE:
        refused = sum(len(each.rejected) for each in decoded(case))
        told = sorted(map(as_told, executions_of_case(case)), key=by_start)
        return told == as_expected(case) and refused == expected["dead_letters"]
    made = {execution.span_id: execution for execution in executions_of_case(case)}
    return set(expected.get("none", ())).isdisjoint(made) and all(
        look_up(made[span], name) == wanted_of(made[span], name, value)
        for span, fields in expected["executions"].items()
        for name, value in fields.items()
    )


def report_of(played: Sequence[Played]) -> dict[str, Any]:
    """The figures."""
    cases = [*WHOLE, *PARTLY]
    run = [
        {
            "tracer": tracer.name,
            "version": tracer.version,
            "from": tracer.registry,
            "writes": tracer.writes,
            "really_run": True,
            "understood": [question for question, answer in answers.items() if answer],
            "lost": [
                {"what": question, "why": tracer.lost.get(question, "not known yet")}
                for question, answer in answers.items()
                if not answer
            ],
        }
        for tracer, answers in played
    ]
    recorded = [
        {
            "tracer": each.name,
            "version": each.version,
            "from": each.registry,
            "writes": each.writes,
            "really_run": False,
            "understood": [case for case in each.cases if is_as_expected(case)],
            "lost": [{"what": what, "why": why} for what, why in each.lost.items()],
        }
        for each in RECORDED
    ]
    as_expected = [*map(is_as_expected, cases), *(_lost(answers) == set(tracer.lost) for tracer, answers in played)]
    return {"cases": len(as_expected), "as_expected": sum(as_expected), "tracers": [*run, *recorded]}


def _lost(answers: Mapping[str, bool]) -> set[str]:
    return {question for question, answer in answers.items() if not answer}


def store_report(played: Sequence[Played]) -> None:
    """Write the figures, with the commit and the day."""
    store(REPORT, report_of(played))

"""The benchmark of weeks of ordinary life, on lives of a day."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest

from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import Execution, epoch_seconds
from tracehound.scripts.benchmarks.weeks.curves import (
    DAY_S,
    HOUR_S,
    Always,
    Between,
    Every,
    Hours,
    OnDates,
    epoch,
    weekday,
)
from tracehound.scripts.benchmarks.weeks.faults import RULES, Planted, Planting
from tracehound.scripts.benchmarks.weeks.figures import figures_of, row_of
from tracehound.scripts.benchmarks.weeks.judging import judge
from tracehound.scripts.benchmarks.weeks.life import Delivery, Draw, Flow, Happening, Life, Operation, Releases, Step
from tracehound.scripts.benchmarks.weeks.report import report
from tracehound.scripts.benchmarks.weeks.run import LIVES, Run, lives_of
from tracehound.scripts.benchmarks.weeks.watching import Record, watch
from tracehound.scripts.benchmarks.weeks.workload import Change, Workload
from tracehound.scripts.documents.stored import commit

READ = Operation("GET /items", own_ms=10.0, steps=(Step("SELECT items", 20.0, peer="db"),), failing=0.0)
TINY = Life((Flow(Always(0.5), (READ,)),), days=1, learning=0, moments=("busy",))


def executions(life: Life, days: int = 1, changes: tuple[Change, ...] = ()) -> list[tuple[float, Execution]]:
    return [
        (at_s, execution)
        for arrivals in Workload(life, 3, days, changes)
        for at_s, execution in zip(arrivals.at_s.tolist(), arrivals.executions, strict=True)
    ]


def test_executions_come_in_order_of_arrival_at_the_rate_of_the_life() -> None:
    found = executions(TINY)
    times = [at_s for at_s, _ in found]
    assert times == sorted(times)
    assert abs(len(found) - 0.5 * DAY_S) < 5 * (0.5 * DAY_S) ** 0.5


def test_the_same_seed_draws_the_same_executions() -> None:
    assert executions(TINY) == executions(TINY)


def test_a_change_befalls_its_time_only() -> None:
    start = epoch(TINY.start)
    when = Between(start + HOUR_S, start + 2 * HOUR_S)
    change = Change(when.start_s, when.end_s, (Happening(when, failing=1.0, error="Broken", steps=10.0),), 2.0, (0,))
    found = [one for _, one in executions(TINY, 1, (change,))]
    inside = [one for one in found if when.start_s <= one.started_s < when.end_s]
    outside = [one for one in found if not when.start_s <= one.started_s < when.end_s]
    assert all(one.error is not None and one.error.type == "Broken" for one in inside)
    assert not any(one.failed for one in outside)
    assert len(inside) == pytest.approx(2 * 0.5 * HOUR_S, rel=0.1)
    assert np.median([one.duration_ms for one in inside]) > 4 * np.median([one.duration_ms for one in outside])


def test_skipped_extra_and_duplicate_parts() -> None:
    always = Always()
    life = replace(
        TINY,
        happenings=(
            Happening(always, skipping=1.0, step="SELECT"),
            Happening(always, extra=Step("SELECT more", 1.0), repeats=5),
        ),
        delivery=Delivery(again=0.1),
    )
    found = [one for _, one in executions(life)]
    assert {tuple(segment.name for segment in one.segments) for one in found} == {("SELECT more",) * 5}
    assert len({one.trace_id for one in found}) < len(found)


def test_hours_follow_the_clock_of_their_place() -> None:
    office = Hours("Europe/Berlin", 8, 18, ramp_s=3600, off=("2026-03-31",))
    monday = epoch("2026-03-30", "Europe/Berlin")  # the day after the clocks went forward
    assert monday == epoch("2026-03-30") - 2 * HOUR_S
    at = monday + HOUR_S * np.array([6.9, 7.5, 12.0, 18.5, 19.1, 36.0, 60.0])
    assert office(at).tolist() == pytest.approx([0.0, 0.5, 1.0, 0.5, 0.0, 0.0, 1.0])
    assert office(monday - np.array([12 * HOUR_S])).tolist() == [0.0]


def test_jobs_begin_when_they_are_due() -> None:
    nights = Every("UTC", DAY_S, 2 * HOUR_S, 600.0, late_s=300.0, seed=4)
    start = epoch("2026-02-02")
    minutes = start + 10.0 * np.arange(3 * DAY_S / 10.0)
    begun = minutes[np.flatnonzero(np.diff(nights(minutes)) > 0) + 1]
    late = (begun - start) % DAY_S - 2 * HOUR_S
    assert len(begun) == 3
    assert len(set(late.tolist())) == 3
    assert ((late >= 0) & (late <= 310)).all()
    friday = OnDates("UTC", lambda day: day.weekday() == 4, 20.0, HOUR_S)
    assert set(weekday(minutes[friday(minutes) > 0]).tolist()) == set()
    assert friday(np.array([start + 4 * DAY_S + 20.5 * HOUR_S])).tolist() == [1.0]


def test_all_lives_have_a_story_enough_executions_and_faults_of_every_kind() -> None:
    lives = lives_of(1)
    assert len(lives) >= 24
    assert all(LIVES.sentence(name).endswith(".") for name in lives)
    kinds = {fault.kind for _, planted in lives.values() for fault in planted}
    assert kinds == set(RULES)
    moments = {fault.moment for _, planted in lives.values() for fault in planted}
    assert moments == {"busy", "night", "ramp", "batch", "release", "holiday"}
    for life, planted in lives.values():
        assert 14 <= life.days <= 28
        assert 0 < life.learning < life.days
        end_s = epoch(life.start, life.zone) + life.days * DAY_S
        assert all(fault.start_s >= end_s for fault in planted)


def test_another_seed_is_another_life() -> None:
    story = LIVES["errors_are_usual"]
    assert story(Draw("errors_are_usual", 1)) != story(Draw("errors_are_usual", 2))


def test_what_begins_after_a_fault_is_told_falsely() -> None:
    life = Life((Flow(Always(2.0), (READ,)),), days=1, learning=0, moments=("busy",))
    start = epoch(life.start) + DAY_S + HOUR_S
    when = Between(start, start + 600.0)
    change = Change(when.start_s, when.end_s, (Happening(when, steps=10.0),))
    fault = Planted("slow_dependency", "busy", start, start + 600.0, (), ("SELECT items", "calls to db"), 2.0, change)
    record = watch(Workload(life, 5, 2, [change]), DetectionSettings())
    judged = judge("tiny", life, record, [fault], 1)
    [verdict] = judged.verdicts
    assert verdict.delay_s is not None
    assert verdict.delay_s < 30.0
    assert verdict.cause_right
    assert record.executions == judged.executions > 300_000
    during = [event for _, event in (*verdict.right, *verdict.beside)]
    assert all(epoch_seconds(event.time) < when.end_s + 60.0 for event in during)
    moved = replace(fault, start_s=start - 7_200.0, end_s=start - 600.0)
    [missed] = judge("tiny", life, record, [moved], 1).verdicts
    assert missed.delay_s is None
    assert missed.recovery


def test_silence_is_judged_by_the_clock() -> None:
    life = replace(TINY, flows=(Flow(Always(2.0), (READ,)),))
    start = epoch(life.start) + 20 * HOUR_S
    change = Change(start, start + HOUR_S, (), 0.0, (0,))
    record = watch(Workload(life, 5, 1, [change]), DetectionSettings())
    told = [epoch_seconds(event.time) for event in record.anomalies if event.data.signal == "silence_ms"]
    first_s, lasting_s = told  # at once, and once more when it has lasted
    assert start < first_s < start + 30.0
    assert start + 40.0 < lasting_s < start + 60.0


def test_figures_and_report_of_a_life() -> None:
    life = replace(TINY, releases=Releases(side_by_side=2), routeless=Always(0.001))
    record = Record(executions=10)
    planted = Planting(2).plant("tiny", life)
    assert len(planted) == 2
    figures = figures_of([row_of(judge("tiny", life, record, planted, 2))], DetectionSettings())
    assert (figures["scenarios"], figures["within_budget"], figures["no_major"]) == (1, 1, 1)
    assert (figures["faults"], figures["faults_found"], figures["median_delay_s"]) == (2, 0, None)
    assert figures["budget_ratio"]["all"]["expected"] == 0.5
    extra = {"command": "make", "commit": "abc", "date": "today", "seconds": 1.0, "processes": 1}
    document = figures | extra | {"tuning": figures, "machine": {"processor": "p", "python": "3"}}
    text = report(document, {"tiny": "A tiny life.", "other": "Another."})
    assert "Not run: other." in text
    assert "**missed**" in text
    assert "| tiny | A tiny life. |" in text


def test_what_was_kept_is_taken_up_by_the_same_commit_also_when_the_time_is_over(tmp_path: Path) -> None:
    run = Run(["one_an_hour", "hourly_batch"], kept=tmp_path, until_s=0.0)
    row = {"name": "one_an_hour"}
    for name, by in (("one_an_hour", commit()), ("hourly_batch", "another")):
        (tmp_path / f"{name}.7.json").write_bytes(orjson.dumps({"commit": by, "faults": True, "row": row}))
    assert list(run.rows([7])) == [row]

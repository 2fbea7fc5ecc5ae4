"""``/ui/training``: runs with their cost, what one would take before it is started, and tunings."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final

import msgspec
from sqlalchemy import Row
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.own_settings.queries import versions_of
from tracehound.console.training.price import Price
from tracehound.console.training.runs import Run, RunsAsked, TotalsAsked, history, runs_asked, totals
from tracehound.console.training.started import (
    MOST_APPLICATIONS,
    StartedAsked,
    StartedTraining,
    estimate_of,
    learned_of,
    started_asked,
)
from tracehound.console.tuning.queries import TuningsAsked, tunings_asked
from tracehound.console.tuning.told import Tuning
from tracehound.console.web.console import Console
from tracehound.console.web.listing import asked_by, list_page
from tracehound.console.web.lists import List, rows_of
from tracehound.console.web.visits import Visit
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import ApplicationKey

_SHOWN, _NAMES = 10, 200
TRIED: Final = (
    *("least_sigma", "major_sigma", "certain_gap_sigma", "tail_score", "outlier_sigma", "minimum_excess_ms"),
    *("alarm_budget", "silence_min_s", "window_s", "patience_s"),
)
"""Settings that say what is told; the API takes others, too."""
METADATA: Final = {one.name: one.metadata for one in fields(DetectionSettings)}


async def show_training(request: Request, visit: Visit) -> Response:
    """Training of all applications, or of one."""
    return await run_in_threadpool(_training, request, visit)


def _training(request: Request, visit: Visit) -> Response:
    console = visit.console
    price, detection = Price.of_settings(console.settings.console), console.settings.detection
    asked = asked_by(request, RunsAsked)
    with console.store.read() as connection:
        names = learned_of(connection, None)
        key = _key(asked, names)
        asked = asked.model_copy(update={"environment": key[1]}) if key else asked
        whose = [key] if key else list(names)
        estimate = estimate_of(connection, whose, price, detection) if whose else None
        total = totals(connection, TotalsAsked(**asked.model_dump(include=set(TotalsAsked.model_fields))), price)
        runs = runs_asked(asked, price, history(connection))
    found = list_page(request, console, asked, runs)
    started = started_asked(StartedAsked(application=asked.application, environment=asked.environment), console.store)
    tunings = tunings_asked(
        TuningsAsked(application=asked.application, environment=asked.environment),
        *(console.store, price, console.clock()),
    )
    of_started = [msgspec.json.decode(started.item(row), type=StartedTraining) for row in _rows(console, started)]
    of_tunings = [msgspec.json.decode(tunings.item(row), type=Tuning) for row in _rows(console, tunings)]
    return visit.page(
        "training/training.html",
        here="training",
        live="10",
        asked=asked,
        key=key,
        names=sorted({name for name, _ in names})[:_NAMES],
        whose=[{"application": name, "environment": environment} for name, environment in whose[:MOST_APPLICATIONS]],
        estimate=estimate,
        total=total,
        by_application=total.items[:_SHOWN] if key is None else [],
        runs=[msgspec.json.decode(runs.item(row), type=Run) for row in found.rows],
        following=found.following,
        started=of_started,
        tunings=of_tunings,
        own=versions_of(console.store, key, _SHOWN) if key else [],
        settings=[(name, METADATA[name], getattr(detection, name)) for name in TRIED],
    )


def _key(asked: RunsAsked, names: dict[ApplicationKey, int]) -> ApplicationKey | None:
    """The application that is asked for; its environment need not be named where there is but one."""
    if asked.application is None:
        return None
    known = [environment for name, environment in names if name == asked.application]
    alone = known[0] if len(known) == 1 else ""
    return asked.application, alone if asked.environment is None else asked.environment


def _rows(console: Console, wanted: List) -> Sequence[Row[Any]]:
    return rows_of(console, wanted, None, _SHOWN)[0]

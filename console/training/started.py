"""Training that people started: what it would take, what is asked of workers, and how far each is."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, func, or_, select, tuple_

from tracehound.console.store.engine import Store
from tracehound.console.store.tables import application_progress, applications, model_events
from tracehound.console.training.price import Price
from tracehound.console.training.runs import History, history
from tracehound.console.web.asked import Name, Page
from tracehound.console.web.cells import of_item
from tracehound.console.web.filters import equal
from tracehound.console.web.lists import List
from tracehound.console.web.problems import not_found
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.model_event import ModelEvent

TRAINED: Final = ("isolation-forest",)
"""Detectors that are trained from samples, where the setting ``detection.extra_detectors`` names them."""
MOST_APPLICATIONS: Final = 1_000
_MINUTE_US: Final = 60_000_000
_decode = msgspec.json.Decoder(ModelEvent).decode

State = Literal["waiting", "trained", "failed"]


class EstimatedTraining(msgspec.Struct):
    """What training the models of one application would take."""

    application: str
    environment: str
    samples: int
    cpu_s: float
    wall_s: float
    money: float


class Estimated(msgspec.Struct):
    """What training would take, in all and for each application; ``trainings`` counts runs.

    Estimates rest on ``measured_runs`` and were off by these shares of the real cost, at the median and at the 90th
    percentile; both are null where too few runs were measured. New models judge ``after_executions`` of their
    application.
    """

    trainings: int
    samples: int
    cpu_s: float
    wall_s: float
    model_bytes: int
    money: float
    currency: str
    measured_runs: int
    error_share_median: float | None
    error_share_p90: float | None
    after_executions: int
    items: list[EstimatedTraining]


class StartedTraining(msgspec.Struct):
    """Training that somebody asked for, as the worker told it.

    While it is ``waiting``, ``progress`` is which share of ``needed`` executions has come since, by what is scored.
    """

    id: str
    asked_at: str
    application: str
    environment: str
    model: str
    state: State
    progress: float
    learned: int
    needed: int
    sentence: str


class StartedAsked(Page):
    """Whose training."""

    application: Name | None = None
    environment: Name | None = None


def learned_of(connection: Connection, keys: Sequence[ApplicationKey] | None) -> dict[ApplicationKey, int]:
    """How many executions were scored of applications; None: of all, the busiest first."""
    columns = applications.c
    wanted = select(columns.application, columns.environment, columns.executions)
    if keys is not None:
        wanted = wanted.where(tuple_(columns.application, columns.environment).in_(keys))
    wanted = wanted.order_by(columns.executions.desc(), columns.application, columns.environment)
    rows = connection.execute(wanted.limit(MOST_APPLICATIONS)).all()
    return {(row.application, row.environment): int(row.executions) for row in rows}


def estimate_of(
    connection: Connection, keys: Sequence[ApplicationKey] | None, price: Price, detection: DetectionSettings
) -> Estimated:
    """What training these applications would take; None: all, the busiest first.

    Raises:
        RequestRefusedError: nothing is known of one of them (404).
    """
    learned = learned_of(connection, keys)
    for application, environment in keys or ():
        if (application, environment) not in learned:
            raise not_found(f"application {application!r} in the environment {environment!r}")
    return estimated(learned, history(connection), price, detection)


def estimated(
    learned: dict[ApplicationKey, int], known: History, price: Price, detection: DetectionSettings
) -> Estimated:
    """What training these applications would take, who have learned so many executions."""
    detectors = [name for name in TRAINED if name in detection.extra_detectors]
    costs = [known.of_next(name) for name in detectors]
    items, bytes_of_all = [], 0
    for key, executions in learned.items():
        samples = min(executions, detection.reservoir)
        cpu_s = sum(cost.cpu_s(samples) for cost in costs)
        wall_s = sum(cost.cpu_s(samples) * cost.waits for cost in costs)
        model_bytes = sum(cost.model_bytes for cost in costs)
        bytes_of_all += model_bytes
        items.append(EstimatedTraining(*key, samples, cpu_s, wall_s, price.of(cpu_s, model_bytes)))
    return Estimated(
        len(items) * len(detectors),
        sum(one.samples for one in items) * len(detectors),
        sum(one.cpu_s for one in items),
        sum(one.wall_s for one in items),
        bytes_of_all,
        sum(one.money for one in items),
        price.currency,
        sum(cost.runs for cost in costs),
        known.error(0.5),
        known.error(0.9),
        detection.refit_delay,
        items,
    )


def started_asked(asked: StartedAsked, store: Store) -> List:
    """The list of training that was asked for, the newest first."""
    columns = model_events.c
    statement = select(columns.event, columns.time_us, columns.seq).where(
        or_(columns.change == "training", (columns.change == "training_failed") & (columns.model == "all")),
        *equal(columns.application, asked.application),
        *equal(columns.environment, asked.environment),
    )
    return List(statement, (columns.time_us, columns.seq), True, _CELLS, partial(_item, store))


_CELLS = of_item(StartedTraining.__struct_fields__)


def _item(store: Store, row: Row[Any]) -> str:
    event = _decode(row.event)
    data = event.data
    with store.read() as connection:
        state, progress, sentence = _state_of(connection, event, row)
    told = StartedTraining(
        event.id,
        event.time,
        data.application,
        data.environment,
        data.model,
        state,
        progress,
        data.learned,
        data.needed,
        sentence,
    )
    return msgspec.json.encode(told).decode()


def _state_of(connection: Connection, event: ModelEvent, row: Row[Any]) -> tuple[State, float, str]:
    data, columns = event.data, model_events.c
    if data.change == "training_failed":
        return "failed", 0.0, data.sentence
    ended = (
        select(columns.change, columns.sentence)
        .where(
            columns.application == data.application,
            columns.environment == data.environment,
            columns.seq > row.seq,
            or_(
                columns.change.in_(("trained", "training_failed")) & (columns.learned >= data.learned),
                columns.change.in_(("reset", "loss")),
            ),
        )
        .order_by(columns.seq)
        .limit(1)
    )
    end = connection.execute(ended).one_or_none()
    if end is not None:
        return ("trained", 1.0, end.sentence) if end.change == "trained" else ("failed", 0.0, end.sentence)
    progress = application_progress.c
    since = select(func.sum(progress.executions)).where(
        progress.application == data.application,
        progress.environment == data.environment,
        progress.told_us >= row.time_us,
        progress.minute_us > row.time_us - _MINUTE_US,
    )
    come = int(connection.execute(since).scalar() or 0)
    return "waiting", min(1.0, come / data.needed) if data.needed else 0.0, data.sentence

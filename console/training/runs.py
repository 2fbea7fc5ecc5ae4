"""Training runs in the store: what each took beside what was estimated of it, and what they took together."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, Literal

import msgspec
import numpy as np
from sqlalchemy import Connection, Row, func, select

from tracehound.console.store.tables import model_events
from tracehound.console.training.estimate import CostModel, TrainingRun, cost_model, error_share, estimated_before
from tracehound.console.training.price import Price
from tracehound.console.web.asked import MomentUs, Name, Page, Query
from tracehound.console.web.cells import of_item
from tracehound.console.web.filters import Conditions, equal, within
from tracehound.console.web.lists import List
from tracehound.console.web.times import moment
from tracehound.schemas.model_event import ModelEvent

MOST_ESTIMATED: Final = 1_000
"""So many of the newest runs are told with what was estimated of them."""
_MOST_TOTALS: Final = 1_000
_DAY_US: Final = 86_400_000_000
_OF_HISTORY: Final = ("seq", "time_us", "model", "cpu_s", "wall_s", "samples", "model_bytes")
_UNTAUGHT: Final = 5
"""Runs of a detector before errors of estimates count: those rest on the reference alone."""
_decode = msgspec.json.Decoder(ModelEvent).decode


class Run(msgspec.Struct):
    """A training run, in event time. ``why`` it ran (on schedule, after drift, on demand); ``learned`` is the count of
    executions that its samples were taken from. ``money`` is at the prices that are set now. ``estimated_cpu_s`` was
    estimated from the runs before it; the error is a share of ``cpu_s``. Both are null for runs of long ago.
    """

    id: str
    time: str
    application: str
    environment: str
    model: str
    why: str
    learned: int
    cpu_s: float
    wall_s: float
    samples: int
    features: int
    model_bytes: int
    money: float
    currency: str
    estimated_cpu_s: float | None
    estimate_error_share: float | None


class Total(msgspec.Struct):
    """What runs took together; ``of`` is an application, a detector or a day (UTC), ``environment`` of applications."""

    of: str
    environment: str
    runs: int
    cpu_s: float
    wall_s: float
    samples: int
    model_bytes: int
    money: float


class Totals(msgspec.Struct):
    """What runs took, in all, and those with the most CPU seconds first; days in their order."""

    currency: str
    total: Total
    items: list[Total]


class RunsAsked(Page):
    """Which runs."""

    application: Name | None = None
    environment: Name | None = None
    model: Name | None = None
    since: MomentUs | None = None
    until: MomentUs | None = None


class TotalsAsked(Query):
    """Which runs, and by what they are added up."""

    application: Name | None = None
    environment: Name | None = None
    model: Name | None = None
    since: MomentUs | None = None
    until: MomentUs | None = None
    by: Literal["application", "model", "day"] = "application"


@dataclass(frozen=True, slots=True)
class History:
    """What was estimated of runs, by their place in the store; the errors, and what is estimated of the next run."""

    estimated: Mapping[int, float]
    errors: list[float]
    models: Mapping[str, CostModel]

    def error(self, share: float) -> float | None:
        """The quantile of the errors; None without any."""
        return float(np.quantile(self.errors, share)) if self.errors else None

    def of_next(self, model: str) -> CostModel:
        """What runs of a detector take."""
        return self.models.get(model) or cost_model(())


def history(connection: Connection) -> History:
    """What was estimated of the newest runs, each from those before it."""
    columns = model_events.c
    wanted = (
        select(*(columns[name] for name in _OF_HISTORY))
        .where(columns.change == "trained", columns.cpu_s.is_not(None))
        .order_by(columns.time_us.desc(), columns.seq.desc())
        .limit(MOST_ESTIMATED)
    )
    rows = sorted(connection.execute(wanted).all(), key=attrgetter("model", "time_us", "seq"))
    estimated: dict[int, float] = {}
    errors: list[float] = []
    models: dict[str, CostModel] = {}
    for model, group in groupby(rows, key=attrgetter("model")):
        own = list(group)
        runs = [TrainingRun(row.cpu_s, row.wall_s, row.samples, row.model_bytes) for row in own]
        estimates = estimated_before(runs)
        estimated |= {row.seq: told for row, told in zip(own, estimates, strict=True)}
        found = (error_share(told, run.cpu_s) for told, run in zip(estimates, runs, strict=True))
        errors += [error for error in list(found)[_UNTAUGHT:] if error is not None]
        models[model] = cost_model(runs)
    return History(estimated, errors, models)


def runs_asked(asked: RunsAsked, price: Price, known: History) -> List:
    """The list of those that are asked for, the newest first."""
    columns = model_events.c
    statement = select(columns.event, columns.time_us, columns.seq).where(*_conditions(asked))
    return List(statement, (columns.time_us, columns.seq), True, _CELLS, partial(_item, price, known))


_CELLS = of_item(Run.__struct_fields__)


def _conditions(asked: RunsAsked | TotalsAsked) -> Conditions:
    columns = model_events.c
    return [
        columns.change == "trained",
        columns.cpu_s.is_not(None),
        *equal(columns.application, asked.application),
        *equal(columns.environment, asked.environment),
        *equal(columns.model, asked.model),
        *within(columns.time_us, asked.since, asked.until),
    ]


def _item(price: Price, known: History, row: Row[Any]) -> str:
    event = _decode(row.event)
    data, cost = event.data, event.data.cost
    assert cost is not None
    estimated = known.estimated.get(row.seq)
    run = Run(
        event.id,
        event.time,
        data.application,
        data.environment,
        data.model,
        cost.why,
        data.learned,
        cost.cpu_s,
        cost.wall_s,
        cost.samples,
        cost.features,
        cost.model_bytes,
        price.of(cost.cpu_s, cost.model_bytes),
        price.currency,
        estimated,
        None if estimated is None else error_share(estimated, cost.cpu_s),
    )
    return msgspec.json.encode(run).decode()


def totals(connection: Connection, asked: TotalsAsked, price: Price) -> Totals:
    """What the runs took that are asked for."""
    columns = model_events.c
    day = columns.time_us - columns.time_us % _DAY_US
    by: tuple[Any, ...] = {
        "application": (columns.application, columns.environment),
        "model": (columns.model,),
        "day": (day.label("day"),),
    }[asked.by]
    groups = (day,) if asked.by == "day" else by
    sums = (
        func.count().label("runs"),
        *(
            func.coalesce(func.sum(columns[name]), 0).label(name)
            for name in ("cpu_s", "wall_s", "samples", "model_bytes")
        ),
    )
    where = _conditions(asked)
    order = (day,) if asked.by == "day" else (func.sum(columns.cpu_s).desc(), *groups)
    wanted = select(*by, *sums).where(*where).group_by(*groups).order_by(*order).limit(_MOST_TOTALS)
    items = [_total(*_named(row, asked.by), row, price) for row in connection.execute(wanted)]
    whole = connection.execute(select(*sums).where(*where)).one()
    return Totals(price.currency, _total("", "", whole, price), items)


def _named(row: Row[Any], by: str) -> tuple[str, str]:
    """What a row is the total of."""
    first = row._mapping
    if by == "application":
        return first["application"], first["environment"]
    return (moment(int(first["day"])) if by == "day" else first["model"]), ""


def _total(of: str, environment: str, row: Row[Any], price: Price) -> Total:
    cpu_s, model_bytes = float(row.cpu_s), int(row.model_bytes)
    took = (int(row.runs), cpu_s, float(row.wall_s), int(row.samples), model_bytes)
    return Total(of, environment, *took, price.of(cpu_s, model_bytes))

"""What a model is now, made of what was told of it."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Row

from tracehound.console.web.times import moment
from tracehound.schemas.model_event import ModelEventKind


class ModelState(msgspec.Struct):
    """A model of an application, or of one of its operations, as it is.

    ``state`` is the newest change of its readiness (empty: none was told), ``needed`` what is missing until it is
    ready, in executions. The last training took ``cpu_s`` and made a model of ``model_bytes``.
    """

    application: str
    environment: str
    operation: str
    model: str
    state: ModelEventKind | None
    learned: int
    needed: int
    sentence: str
    changed_at: str
    trained_at: str | None = None
    cpu_s: float | None = None
    wall_s: float | None = None
    samples: int | None = None
    model_bytes: int | None = None


class Models(msgspec.Struct):
    """The models of an application. ``ready`` says whether all of them are."""

    items: list[ModelState]
    ready: bool


def models_of(rows: Iterable[Row[Any]]) -> Models:
    """What the models of an application are, from their newest events, oldest first."""
    found: dict[tuple[str, str], ModelState] = {}
    for row in rows:
        place = (row.operation, row.model)
        model = found.get(place)
        if model is None:
            where = (row.application, row.environment, *place)
            model = found[place] = ModelState(*where, None, row.learned, row.needed, row.sentence, moment(row.time_us))
        model.learned = max(model.learned, row.learned)
        if row.change == "trained":
            model.trained_at = moment(row.time_us)
            model.cpu_s, model.wall_s, model.samples, model.model_bytes = (
                *(row.cpu_s, row.wall_s),
                *(row.samples, row.model_bytes),
            )
        else:
            model.state, model.needed, model.sentence = row.change, row.needed, row.sentence
            model.changed_at = moment(row.time_us)
    items = [found[place] for place in sorted(found)]
    return Models(items, all(one.state in ("ready", None) for one in items) and bool(items))

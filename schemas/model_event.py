"""What happens to an application's models: readiness, training with its cost, drift, levels, feedback, lost state."""

from typing import Literal

import msgspec

from tracehound.schemas.execution import Count

ModelEventKind = Literal[
    "warming",
    "ready",
    "training",
    "trained",
    "training_failed",
    "drift",
    "loss",
    "reset",
    "release",
    "new_normal",
    "feedback",
    "level_changed",
    "sampling_changed",
    "settings_changed",
    "settings_refused",
]
MODEL_EVENT_TYPES: dict[ModelEventKind, str] = {
    "warming": "io.tracehound.model.warming.v1",
    "ready": "io.tracehound.model.ready.v1",
    "training": "io.tracehound.model.training.v1",
    "trained": "io.tracehound.model.trained.v1",
    "training_failed": "io.tracehound.model.training-failed.v1",
    "drift": "io.tracehound.model.drift.v1",
    "loss": "io.tracehound.model.loss.v1",
    "reset": "io.tracehound.model.reset.v1",
    "release": "io.tracehound.model.release.v1",
    "new_normal": "io.tracehound.model.new-normal.v1",
    "feedback": "io.tracehound.model.feedback.v1",
    "level_changed": "io.tracehound.model.level-changed.v1",
    "sampling_changed": "io.tracehound.model.sampling-changed.v1",
    "settings_changed": "io.tracehound.model.settings-changed.v1",
    "settings_refused": "io.tracehound.model.settings-refused.v1",
}


class TrainingCost(msgspec.Struct, omit_defaults=True):
    """What one training run took: seconds of CPU and of waiting, and what it made of how many samples.

    Each sample has so many ``features`` of 4 bytes. ``why`` it ran: on schedule, after drift, or on demand. Both came
    after 0.1.0.
    """

    cpu_s: float
    wall_s: float
    samples: Count
    model_bytes: Count
    features: Count = 0
    why: str = ""


class LevelChange(msgspec.Struct, omit_defaults=True):
    """What operations of an application do on one day, and did a week before: ``signal`` is ``duration_ms`` (the
    geometric mean), ``error_rate`` or ``traffic``, and ``unit`` that of ``before`` and ``after``, which are of the
    operation that changed most. ``operations`` names those that changed, the furthest first, ``count`` is how many
    they are.
    """

    signal: str
    unit: str
    before: float
    after: float
    operations: list[str]
    count: Count


class ModelChange(msgspec.Struct, omit_defaults=True):
    """One change of one model. ``learned`` counts executions, ``needed`` those still missing to be ready.

    ``version`` is that of the application, for a release; ``level`` is for what changed slowly within a week.
    ``settings`` are those of detection that the application has of its own since, in their ``settings_version``; none:
    it has what the workers have.
    """

    application: str
    environment: str
    operation: str
    model: str
    change: ModelEventKind
    learned: Count
    needed: Count
    sentence: str
    cost: TrainingCost | None = None
    version: str = ""
    level: LevelChange | None = None
    settings: dict[str, float] = {}
    settings_version: Count = 0


class ModelEvent(msgspec.Struct):
    """CloudEvents 1.0 envelope of a model change (structured JSON). ``id`` follows from content alone."""

    id: str
    source: str
    type: str
    subject: str
    time: str
    data: ModelChange
    specversion: Literal["1.0"] = "1.0"
    datacontenttype: Literal["application/json"] = "application/json"

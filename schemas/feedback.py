"""What people say of anomalies and incidents, what models are to learn of it, and maintenance windows."""

from typing import Annotated, Literal

import msgspec

from tracehound.schemas.anomaly import AnomalyKind
from tracehound.schemas.execution import Environment, EpochSeconds, Name

Judgement = Literal["false_positive", "confirmed", "expected_change"]

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Note = Annotated[str, msgspec.Meta(max_length=2_000)]
_Size = Annotated[float, msgspec.Meta(ge=-1_000, le=1_000)]

PATTERNS = 200
"""The most patterns of a lesson, and of all that an application has learned."""


ANYWHERE = "*"
"""The environment of a maintenance window that is meant for all of them."""


class Verdict(msgspec.Struct, omit_defaults=True):
    """A person's judgement of the anomaly or incident ``subject_id``; a later one of the same subject replaces it.

    ``withdrawn`` takes an earlier verdict back. ``judged_at`` is epoch seconds.
    """

    subject_id: _Id
    judgement: Judgement
    judged_at: EpochSeconds
    by: _Note = ""
    note: _Note = ""
    withdrawn: bool = False


class Pattern(msgspec.Struct, omit_defaults=True, frozen=True):
    """What deviated in an anomaly, and by how much.

    ``operation`` is empty where the application as a whole is meant; ``about`` is the called service, the type of
    error or the segment where ``signal`` is about one. ``model`` said so: one execution far out is something else
    than many that are slower. ``size`` is the natural logarithm of how many times the typical value it was, negative
    where it was less; ``at_s`` when it was told, event time in epoch seconds.
    """

    kind: AnomalyKind
    signal: _Note
    model: _Note
    operation: _Note = ""
    about: _Note = ""
    size: _Size = 0.0
    at_s: EpochSeconds = 0.0


class Lesson(msgspec.Struct, omit_defaults=True):
    """What the models of one application are to learn of a verdict on ``subject_id``.

    One without ``patterns`` is about those that its subject had before. A later one (``judged_at``, epoch seconds) of
    the same subject replaces it; ``withdrawn`` takes it back.
    """

    subject_id: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    judgement: Judgement
    judged_at: EpochSeconds
    patterns: Annotated[list[Pattern], msgspec.Meta(max_length=PATTERNS)] = []
    by: _Note = ""
    withdrawn: bool = False


class Maintenance(msgspec.Struct, omit_defaults=True):
    """A planned stretch of time, epoch seconds, in which nobody is to be told of an application's incidents.

    An empty ``application`` means all of the environment; the environment ``*`` means every one. ``learn``: incidents
    in it are expected changes, which models learn as if somebody had judged each of them so. ``by`` is who
    announced it.
    """

    window_id: _Id
    starts_at: EpochSeconds
    ends_at: EpochSeconds
    application: Name | Literal[""] = ""
    environment: Environment = ""
    learn: bool = False
    note: _Note = ""
    withdrawn: bool = False
    by: _Note = ""

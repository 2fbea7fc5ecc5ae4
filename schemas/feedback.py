"""What people say of anomalies and incidents, and what they announce: verdicts and maintenance windows."""

from typing import Annotated, Literal

import msgspec

from schemas.execution import Name

Judgement = Literal["false_positive", "confirmed", "expected_change"]

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Note = Annotated[str, msgspec.Meta(max_length=2_000)]


class Verdict(msgspec.Struct, omit_defaults=True):
    """A person's judgement of the anomaly or incident ``subject_id``; a later one of the same subject replaces it.

    ``withdrawn`` takes an earlier verdict back. ``judged_at`` is epoch seconds.
    """

    subject_id: _Id
    judgement: Judgement
    judged_at: float
    by: _Note = ""
    note: _Note = ""
    withdrawn: bool = False


class Maintenance(msgspec.Struct, omit_defaults=True):
    """A planned stretch of time, epoch seconds, in which nobody is to be told of an application's incidents.

    An empty ``application`` means all of the environment. ``learn``: what is new then is taken as normal fast.
    """

    window_id: _Id
    starts_at: float
    ends_at: float
    application: Name | Literal[""] = ""
    environment: str = ""
    learn: bool = False
    note: _Note = ""
    withdrawn: bool = False

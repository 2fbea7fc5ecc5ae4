"""Control records: what an operator wants done with an application's models, in order with its executions."""

from typing import Annotated, Literal

import msgspec

from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.execution import Environment, EpochSeconds, Name
from tracehound.schemas.feedback import Lesson

CONTROL_HEADER = "tracehound_control"
"""Header that told a control record from executions while both stood on ``executions.v1``: such a record is refused."""

Verb = Literal["reset", "import", "feedback", "refit"]


class Control(msgspec.Struct, omit_defaults=True):
    """The value of a control record on ``control.v1``, keyed by application.

    ``reset`` forgets the application's models; ``import`` replaces them by ``snapshot`` (base64 in JSON), as
    ``tracehound models export`` wrote it; ``feedback`` teaches the ``lesson``; ``refit`` trains what is trained from
    samples, with the application's next execution. ``asked_at`` is epoch seconds, ``by`` who asked.
    """

    verb: Verb
    application: Name
    environment: Environment = ""
    asked_at: EpochSeconds = 0.0
    snapshot: bytes = b""
    lesson: Lesson | None = None
    by: Annotated[str, msgspec.Meta(max_length=200)] = ""


_decode = msgspec.json.Decoder(Control).decode


def read_control(value: bytes | None) -> Control:
    """The control that a record holds.

    Raises:
        InvalidExecutionError: it holds none.
    """
    try:
        control = _decode(value or b"")
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise InvalidExecutionError(f"A control record must be a verb for an application: {error}.") from error
    if control.verb == "feedback" and control.lesson is None:
        raise InvalidExecutionError("A control record of feedback must hold a lesson. Got none instead.")
    return control

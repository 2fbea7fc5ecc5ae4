"""Tuning: backtests of candidate settings as tasks that workers take, and what each candidate would have told."""

from typing import Annotated, Literal

import msgspec

from tracehound.schemas.application_settings import SettingName
from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.execution import Count, EpochSeconds, Name

TuningId = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
State = Literal["done", "cut", "failed", "expired", "cancelled"]
"""All executions were scored; the CPU seconds were used up before; it could not be; nobody took it in time; somebody
gave the tuning up.
"""


class Confirmed(msgspec.Struct):
    """An incident that people confirmed, in epoch seconds of event time."""

    start: EpochSeconds
    end: EpochSeconds


class TuningTask(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The value of a record on ``tuning-tasks.v1``, keyed by its ``id``: one candidate.

    ``settings`` are those of detection that the candidate has beside the worker's own; number 0 has those that the
    application has already. What is scored are the executions of the application at the offsets from ``first`` up to
    before ``last`` of the ``partition`` of ``executions.v1``, from ``since`` of event time on, and before ``until``
    where that is not 0; ``from_file``: those of ``recorded-executions.v1`` that have the tuning as their key. It may
    take ``most_cpu_s``; after ``expires_at`` (epoch seconds) nobody begins it. ``candidates`` counts the tasks of the
    tuning, which ``by`` asked for at ``asked_at`` (epoch seconds); that somebody gave it up is told on
    ``tuning-results.v1`` at ``results_from`` or later.
    """

    id: TuningId
    tuning: TuningId
    number: Count
    application: Name
    environment: Annotated[str, msgspec.Meta(max_length=200)] = ""
    settings: Annotated[dict[SettingName, float], msgspec.Meta(max_length=50)]
    partition: Count
    first: Count
    last: Count
    since: EpochSeconds = 0.0
    until: EpochSeconds = 0.0
    confirmed: Annotated[list[Confirmed], msgspec.Meta(max_length=1_000)] = []
    most_cpu_s: Annotated[float, msgspec.Meta(gt=0, le=3_600)]
    expires_at: EpochSeconds
    candidates: Count = 0
    asked_at: EpochSeconds = 0.0
    by: Annotated[str, msgspec.Meta(max_length=200)] = ""
    results_from: Count = 0
    from_file: bool = False


class TuningResult(msgspec.Struct, kw_only=True):
    """The value of a record on ``tuning-results.v1``, keyed by ``tuning``: what one candidate would have told.

    ``outside`` counts anomalies that were in no confirmed incident, ``found`` confirmed incidents with an anomaly;
    ``recall`` is null without any. ``sentence`` says why it is not ``done``. A task that is done twice, since its
    worker died, has the same ``id`` again.

    One whose ``id`` is that of the tuning is of no candidate: it says that somebody gave the tuning up
    (``cancellation``).
    """

    id: str
    tuning: str
    number: Count
    settings: dict[str, float]
    state: State
    executions: Count = 0
    days: float = 0.0
    anomalies: Count = 0
    outside: Count = 0
    outside_a_day: float = 0.0
    confirmed: Count = 0
    found: Count = 0
    recall: float | None = None
    cpu_s: float = 0.0
    wall_s: float = 0.0
    host: str = ""
    sentence: str = ""


def cancellation(tuning: str, by: str) -> TuningResult:
    """What gives a tuning up: workers end what they have begun of it, and begin no more."""
    return TuningResult(
        id=tuning, tuning=tuning, number=0, settings={}, state="cancelled", sentence=f"{by or 'Somebody'} gave it up."
    )


def is_cancellation(result: TuningResult) -> bool:
    """Whether it is of no candidate, and gives its tuning up."""
    return result.state == "cancelled" and result.id == result.tuning


_decode = msgspec.json.Decoder(TuningTask).decode
_decode_result = msgspec.json.Decoder(TuningResult).decode


def read_tuning_task(value: bytes | None) -> TuningTask:
    """The task that a record holds.

    Raises:
        InvalidExecutionError: it holds none.
    """
    try:
        return _decode(value or b"")
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise InvalidExecutionError(f"A task of tuning must name settings and executions: {error}.") from error


def read_tuning_result(value: bytes | None) -> TuningResult:
    """The result that a record holds.

    Raises:
        InvalidExecutionError: it holds none.
    """
    try:
        return _decode_result(value or b"")
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise InvalidExecutionError(f"A result of tuning must name its task: {error}.") from error

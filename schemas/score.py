"""Predictions on demand: executions that are to be judged and not learned, and what a worker says of them."""

from typing import Annotated, Literal

import msgspec

from tracehound.schemas.anomaly import AnomalyEvent, ModelStamp, Severity
from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.execution import Count, EpochSeconds, Execution, Name
from tracehound.schemas.rejection import Rejection

Verdict = Literal["normal", "anomalous", "warming"]
"""``warming``: the models know too little of the operation to judge."""
ProblemKind = Literal["invalid", "too_many", "failed"]
"""What was sent is wrong; it is too much for one request; judging it failed."""

RequestId = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
_SHOWN = 100


class _Asked(msgspec.Struct, omit_defaults=True, kw_only=True):
    id: RequestId
    application: Name
    environment: Annotated[str, msgspec.Meta(max_length=200)] = ""
    expires_at: EpochSeconds


class ScoreRequest(_Asked, kw_only=True):
    """The value of a record on ``score-requests.v1``, keyed by application and partitioned as executions are.

    ``id`` comes back with the answer. After ``expires_at`` (epoch seconds) nobody waits for it, and it is not answered.
    ``executions`` are what a record of ``executions.v1`` holds, all of this application and environment.
    """

    executions: Execution | list[Execution]


class UnreadScoreRequest(_Asked, kw_only=True):
    """``ScoreRequest`` whose executions are still the bytes that came."""

    executions: msgspec.Raw


class Prediction(msgspec.Struct):
    """What is to be said of one execution.

    ``severity`` is that of its gravest alarm, ``anomalies`` those that would be told when it came (an alarm that
    repeats one is not told again; one about its application's last window may be told with it). ``score`` is minus
    log10 of a false-alarm probability, ``confidence`` in [0, 1) how much the judgement is worth, by how many executions
    of its operation were ``learned``. ``input_hash`` is the digest of its content.
    """

    prediction: Verdict
    score: float
    severity: Severity | None
    confidence: float
    learned: Count
    input_hash: str
    anomalies: list[AnomalyEvent] = []


class ScoreError(msgspec.Struct):
    """Why some of the executions are refused: their places in the request (none: the whole), class and sentence."""

    indexes: list[int]
    error: str
    reason: str


class ScoreProblem(msgspec.Struct):
    """Why there are no predictions."""

    kind: ProblemKind
    reason: str
    errors: list[ScoreError] = []


class ScoreAnswer(msgspec.Struct):
    """The value of a record on ``score-answers.v1``, keyed by the ``id`` of its request.

    ``predictions`` has an entry for each execution, in their order, or there is a ``problem``. ``model`` says which
    models judged: ``learned`` counts all executions of the application.
    """

    id: str
    application: str
    environment: str
    model: ModelStamp | None
    predictions: list[Prediction]
    problem: ScoreProblem | None = None


_decode = msgspec.json.Decoder(UnreadScoreRequest).decode
_decode_answer = msgspec.json.Decoder(ScoreAnswer).decode


def read_score_request(value: bytes | None) -> UnreadScoreRequest:
    """The request that a record holds.

    Raises:
        InvalidExecutionError: it holds none.
    """
    try:
        return _decode(value or b"")
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise InvalidExecutionError(f"A request for predictions must name executions to judge: {error}.") from error


def read_score_answer(value: bytes | None) -> ScoreAnswer:
    """The answer that a record holds.

    Raises:
        InvalidExecutionError: it holds none.
    """
    try:
        return _decode_answer(value or b"")
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise InvalidExecutionError(f"An answer must hold predictions or a problem: {error}.") from error


def refused_executions(rejected: list[Rejection]) -> ScoreProblem:
    """The problem of executions that break the rules, as ``tracehound validate`` says them."""
    errors = [ScoreError(list(one.indexes[:_SHOWN]), one.error, one.reason) for one in rejected[:_SHOWN]]
    return ScoreProblem("invalid", rejected[0].reason, errors)

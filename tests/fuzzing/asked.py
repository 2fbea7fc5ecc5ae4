"""What operators, and those who ask for predictions, write: a record is obeyed or refused, and workers go on."""

import contextlib
from math import inf

import numpy as np

from tests.detectors.test_determinism import SETTINGS, SHOP, executions
from tracehound.detectors.candidates import with_candidate
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.by_settings import ScorerBySettings
from tracehound.schemas.application_settings import ApplicationSettings, read_application_settings, settings_key
from tracehound.schemas.codec import encode
from tracehound.schemas.errors import ConfigurationError, InvalidExecutionError
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.score import ScoreRequest, read_score_request
from tracehound.schemas.tuning import TuningTask, cancellation, read_tuning_result, read_tuning_task
from tracehound.streams.envelopes.opener import ExecutionReader

_NOW_S = 1_790_000_000.0
_SOME = executions("shop", 40, _NOW_S, seed=1)
_KEY = settings_key(SHOP)


def application_settings() -> list[bytes]:
    """Settings that an application has of its own."""
    own: tuple[dict[str, float], ...] = ({"least_sigma": 5.0}, {"alarm_budget": 3.0, "persist_s": 600.0}, {})
    return [
        encode(ApplicationSettings(application="shop", version=at, settings=one, asked_at=_NOW_S, by="me"))
        for at, one in enumerate(own)
    ]


def read_settings_record(value: bytes) -> None:
    """Settings are refused, or an application is judged by them; as a key they take nothing away that is not named."""
    with contextlib.suppress(InvalidExecutionError):
        read_application_settings(value, None)
    try:
        said = read_application_settings(_KEY, value)
    except InvalidExecutionError:
        return
    scorer = ScorerBySettings(SETTINGS, InlineFitter())
    with contextlib.suppress(ConfigurationError):
        scorer.settle(SHOP, said.settings)
    assert np.isfinite(scorer.score(_SOME).score).all()


def score_requests() -> list[bytes]:
    """Requests for predictions."""
    return [
        encode(ScoreRequest(id="r1", application="shop", expires_at=_NOW_S, executions=given))
        for given in (_SOME[0], _SOME[:2])
    ]


def read_request_record(value: bytes) -> None:
    """A request is refused, or its executions are read as those of a record."""
    with contextlib.suppress(InvalidExecutionError):
        ExecutionReader(Limits()).decode(bytes(read_score_request(value).executions), (), inf)


def tuning_records() -> list[bytes]:
    """Tasks of a tuning, and what gives it up."""
    task = TuningTask(
        id="t-1", tuning="t", number=1, application="shop", settings={"least_sigma": 5.0}, partition=0, first=0, last=9,
        most_cpu_s=1.0, expires_at=_NOW_S,
    )  # fmt: skip
    return [encode(task), encode(cancellation("t", "me"))]


def read_tuning_record(value: bytes) -> None:
    """A task is refused, or its settings are, or they may be tried."""
    with contextlib.suppress(InvalidExecutionError):
        read_tuning_result(value)
    with contextlib.suppress(InvalidExecutionError, ConfigurationError):
        with_candidate(SETTINGS, read_tuning_task(value).settings)

"""Answers one request for predictions, given the state of its application's models; runs in a helper process."""

from collections.abc import Sequence
from functools import lru_cache

from tracehound.detectors.scoring.prediction import Predictor
from tracehound.schemas.execution import ApplicationKey, Execution
from tracehound.schemas.score import ScoreAnswer, ScoreProblem, UnreadScoreRequest, read_score_request
from tracehound.streams.scoring.predictions.given import AnswerRules, GivenExecutions, invalid

_MOST_RULES = 16
"""Answerers that are kept: applications may have settings of their own, and each takes some memory."""


class Answerer:
    """Answers requests; keeps nothing of one for the next."""

    def __init__(self, rules: AnswerRules) -> None:
        self._given = GivenExecutions(rules)
        self._predictor = Predictor(rules.detection)

    def answer(self, request: UnreadScoreRequest, snapshot: bytes | None, now_s: float) -> ScoreAnswer:
        """What is to be said; ``snapshot`` is the state of the application's models, ``now_s`` epoch seconds.

        Raises:
            SnapshotError: the snapshot is damaged, or another application's.
        """
        key = (request.application, request.environment)
        executions = self._given.read(bytes(request.executions), now_s)
        problem = executions if isinstance(executions, ScoreProblem) else _of_another(executions, key)
        if problem is not None or isinstance(executions, ScoreProblem):
            return ScoreAnswer(request.id, *key, None, [], problem)
        model, predictions = self._predictor.predict(key, snapshot, executions)
        return ScoreAnswer(request.id, *key, model, predictions)


def _of_another(executions: Sequence[Execution], key: ApplicationKey) -> ScoreProblem | None:
    found = (executions[0].application, executions[0].environment)
    if found == key:
        return None
    asked, got = (f"{application!r} in the environment {environment!r}" for application, environment in (key, found))
    return invalid(f"The executions must be those of {asked}. Got those of {got} instead.")


@lru_cache(_MOST_RULES)
def _answerer(rules: AnswerRules) -> Answerer:
    return Answerer(rules)


def answer_in_helper(
    rules: AnswerRules, requests: Sequence[bytes], snapshot: bytes | None, now_s: float
) -> list[ScoreAnswer]:
    """Answer requests of one application, each by itself; the entry point of a helper process."""
    answerer = _answerer(rules)
    return [answerer.answer(read_score_request(value), snapshot, now_s) for value in requests]

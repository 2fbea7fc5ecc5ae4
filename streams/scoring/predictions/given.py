"""Executions that are to be judged and not learned: the rules that they keep, which are those of workers."""

from dataclasses import dataclass
from pathlib import Path

from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import Execution
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.operations import normalize_operation
from tracehound.schemas.score import ScoreError, ScoreProblem, refused_executions
from tracehound.streams.envelopes.mapping import FieldMapping
from tracehound.streams.envelopes.opener import ExecutionReader
from tracehound.streams.envelopes.registered import RegisteredSchemas
from tracehound.streams.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class AnswerRules:
    """Everything that an answer depends on beside the request and the models; ``most`` executions a request."""

    detection: DetectionSettings
    limits: Limits
    normalize: bool
    schemas_dir: Path | None
    execution_fields: str
    most: int

    @classmethod
    def of(cls, settings: Settings) -> "AnswerRules":
        """Those of a worker with these settings."""
        return cls(
            settings.detection,
            settings.limits,
            settings.normalize_operations,
            settings.schemas_dir,
            settings.execution_fields,
            settings.predictions_per_request,
        )


class GivenExecutions:
    """Reads executions that are to be judged, by the rules that workers have for those that are to be learned."""

    def __init__(self, rules: AnswerRules) -> None:
        self._rules = rules
        schemas, mapping = RegisteredSchemas(rules.schemas_dir), FieldMapping(rules.execution_fields)
        self._reader = ExecutionReader(rules.limits, schemas, mapping)

    def read(self, value: bytes, now_s: float) -> list[Execution] | ScoreProblem:
        """The executions in the value of a record, which are one application's and environment's, or what is wrong.

        ``now_s``: the future is judged by it, in epoch seconds.
        """
        decoded = self._reader.decode(value, (), now_s)
        if decoded.rejected:
            return refused_executions(decoded.rejected)
        executions = decoded.executions
        if not executions:
            return invalid("A request for predictions must hold at least one execution. Got none instead.")
        if len(executions) > self._rules.most:
            most = f"{self._rules.most:,} executions (setting 'predictions_per_request')"
            reason = f"A request for predictions must hold at most {most}. Got {len(executions):,} instead."
            return ScoreProblem("too_many", reason)
        environments = sorted({execution.environment for execution in executions})
        if len(environments) > 1:
            named = f"{environments[0]!r} and {environments[1]!r}"
            return invalid(f"The executions of a request must be of one environment. Got {named} instead.")
        if self._rules.normalize:
            for execution in executions:
                execution.operation = normalize_operation(execution.operation)
        return executions


def invalid(reason: str) -> ScoreProblem:
    """The problem of a request that breaks a rule of its own."""
    return ScoreProblem("invalid", reason, [ScoreError([], "InvalidRequest", reason)])

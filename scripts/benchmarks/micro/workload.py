"""Executions of one application, and its models outside of a scorer and in one."""

from typing import Final

from tracehound.detectors.application.models import ApplicationModels, OperationModels
from tracehound.detectors.columns.columned_executions import columned
from tracehound.detectors.ensemble.ensemble import Ensemble
from tracehound.detectors.features.answered_calls import AnsweredCalls
from tracehound.detectors.features.batch import CALL_SIGNALS, GAPS, Batch
from tracehound.detectors.features.clocks import Clocks
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.rows import Rows
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import ApplicationKey, Execution
from tracehound.scripts.benchmarks.workload import executions

KEY: Final[ApplicationKey] = ("application-0000", "")
OPERATIONS: Final = 20
SEGMENTS: Final = 5
AT_S: Final = 1_767_225_600.0
"""All executions start at once: learning the same ones again and again then never goes back in time."""
_LEARNED: Final = 4_000


def some_executions(count: int) -> list[Execution]:
    """Executions of one application."""
    made = list(executions(count, 1, OPERATIONS, SEGMENTS, AT_S))
    for execution in made:
        execution.started_at = AT_S
    return made


class Models:
    """An application's models with what they need around them, as a scorer has it."""

    def __init__(self) -> None:
        self.settings = DetectionSettings()
        self.ensemble = Ensemble(self.settings)
        self._application = ApplicationModels(KEY, slot=0, next_refit=0, next_stop=0)
        self._clocks = Clocks(self.settings.lateness_s)
        self._clocks.open(0)
        self._answered = AnsweredCalls()
        self.ensemble.open_application(0, 1)
        self._opened = [0] * len(CALL_SIGNALS)

    def rows(self, made: list[Execution]) -> Rows:
        """Executions with the models that they belong to."""
        collected, known = Rows(0), self._application.operations
        numbers = range(self._application.seen + 1, self._application.seen + len(made) + 1)
        self._application.seen += len(made)
        for execution in made:
            if execution.operation not in known:
                known[execution.operation] = OperationModels(execution.operation, len(known))
                self.ensemble.open_operation(len(known) - 1, 2)
        collected.extend([self._application] * len(made), [known[execution.operation] for execution in made], numbers)
        return collected

    def batch(self, made: list[Execution]) -> Batch:
        """Executions as arrays."""
        return self.rows(made).batch(columned(made), self.settings, self._clocks, self._answered, self._new_call)

    def _new_call(self, application: ApplicationModels, kind: int, peer: str) -> int:
        slot = application.calls[kind][peer] = self._opened[kind]
        self._opened[kind] += 1
        if kind == GAPS:
            self._answered.open(slot)
        self.ensemble.charts.open_call(kind, slot, 3)
        return slot


def learned_scorer() -> Scorer:
    """A scorer that knows one application well."""
    scorer = Scorer(DetectionSettings(), InlineFitter())
    scorer.score(some_executions(_LEARNED))
    return scorer

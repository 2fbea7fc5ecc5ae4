"""Whom an alarm is about: one execution of a batch, with the models it belongs to."""

from dataclasses import dataclass

from tracehound.detectors.application.models import ApplicationModels, OperationModels
from tracehound.schemas.execution import Execution


@dataclass(frozen=True, slots=True)
class Subject:
    """The execution at ``row`` of a batch, with the models it belongs to.

    ``number`` counts the application's executions; ``now_s`` is the time it was given, in epoch seconds.
    """

    row: int
    execution: Execution
    application: ApplicationModels
    operation: OperationModels
    self_ms: float
    number: int
    now_s: float

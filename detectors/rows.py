"""Executions on their way to the detectors: collected one by one, handed over as arrays."""

from collections.abc import Callable, Sequence

import numpy as np

from detectors.application import ApplicationModels, OperationModels
from detectors.bank import Floats, Slots
from detectors.batch import Batch, Calls
from detectors.columns import columns_of
from detectors.error_types import type_number
from detectors.features import Peers, measure
from detectors.finding import Subject
from detectors.paths import paths_in
from detectors.settings import DetectionSettings
from schemas.execution import Execution

NewCall = Callable[[ApplicationModels, int, str], int]
"""Gives a slot to a called peer that an application does not know; the number is a place in ``CALL_SIGNALS``."""


class Rows:
    """Executions collected until something has to happen between two of them; the first has the index ``first``."""

    def __init__(self, first: int) -> None:
        self.first = first
        self._rows: list[tuple[ApplicationModels, OperationModels, Execution, int]] = []

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def applications(self) -> list[ApplicationModels]:
        """The application of each row."""
        return [application for application, _, _, _ in self._rows]

    @property
    def operations(self) -> list[OperationModels]:
        """The operation of each row."""
        return [operation for _, operation, _, _ in self._rows]

    def add(self, application: ApplicationModels, operation: OperationModels, execution: Execution) -> None:
        """Take the next execution; its application has counted it."""
        self._rows.append((application, operation, execution, application.seen))

    def subject(self, row: int, batch: Batch) -> Subject:
        """One row, with the models it belongs to."""
        application, operation, execution, number = self._rows[row]
        return Subject(row, execution, application, operation, float(batch.signals[row, 0]), number)

    def batch(self, settings: DetectionSettings, new_call: NewCall) -> Batch:
        """All rows as arrays."""
        applications = self.applications
        executions = [execution for _, _, execution, _ in self._rows]
        columns = columns_of(executions)
        measured = measure(executions, columns)
        times = np.array([execution.started_at for execution in executions], np.float64)
        released = np.array([application.release_s for application in applications])
        recent = times < released + settings.release_window_s
        errors, error_types = _errors(executions)
        return Batch(
            operations=np.array([operation.slot for operation in self.operations], np.int64),
            applications=np.array([application.slot for application in applications], np.int64),
            times=times,
            durations=columns.whole_ms,
            signals=measured.signals,
            errors=errors,
            error_types=error_types,
            calls=(self._calls(0, measured.gaps, new_call), self._calls(1, measured.waits, new_call)),
            paths=paths_in(columns),
            accept_after=np.where(recent, settings.release_patience_s, settings.persist_s),
            released=np.where(recent, released - settings.lateness_s, -np.inf),
        )

    def _calls(self, kind: int, peers: Peers, new_call: NewCall) -> Calls:
        slots = []
        for row, peer in peers:
            application = self._rows[row][0]
            slot = application.calls[kind].get(peer)
            slots.append(new_call(application, kind, peer) if slot is None else slot)
        rows = [row for row, _ in peers]
        return Calls(np.array(rows, np.int64), np.array(slots, np.int64), np.array(list(peers.values()), np.float64))


def _errors(executions: Sequence[Execution]) -> tuple[Floats, Slots]:
    """1 where an execution failed, and the numbers of the types of their errors."""
    failed = np.array([execution.status == "error" for execution in executions], np.float64)
    types = np.zeros(len(executions), np.int64)
    for row, execution in enumerate(executions):
        error = execution.error
        if error is not None:
            types[row] = type_number(error.type, error.handled)
            if not error.handled:
                failed[row] = 1.0
    return failed, types

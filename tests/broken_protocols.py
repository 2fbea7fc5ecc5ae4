"""Workers that break the protocol of states and acknowledgements on purpose, for checkers to find out.

A checker that finds nothing there would be worthless.
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from tracehound.streams.delivery.delivery import Delivery
from tracehound.streams.incidents import app as incidents_app
from tracehound.streams.incidents.group_incidents import Grouping
from tracehound.streams.intake import app as intake_app
from tracehound.streams.kafka.runs.run import Run
from tracehound.streams.notify import notifier
from tracehound.streams.notify.offsets import Commit
from tracehound.streams.notify.partition import IncidentPartition
from tracehound.streams.scoring import app, score_executions
from tracehound.streams.states.checkpoint_log import CheckpointLog
from tracehound.streams.states.resident_models import ResidentModels
from tracehound.streams.worker import foundation


class AcknowledgesFirst(ResidentModels):
    """Acknowledges runs long before the states of their applications are written."""

    async def _write(self, batch: Any) -> bool:
        for state in batch.states:
            batch.partition.saving.pop(state.key, None)
        batch.partition.acknowledge()
        await asyncio.sleep(60)
        return await super()._write(batch)


class AcknowledgesBeforeWriting(ResidentModels):
    """Acknowledges what was learned just before its state is written."""

    async def write(self, batches: Any) -> bool:
        batches = list(batches)
        for batch in batches:
            saving = dict(batch.partition.saving)
            batch.partition.saving.clear()
            batch.partition.acknowledge()
            batch.partition.saving.update(saving)
        return await super().write(batches)


class NamesAnOldPosition(ResidentModels):
    """States say of less than they know that they know it."""

    def _take(self, partition: Any, keys: Any) -> Any:
        batch = super()._take(partition, keys)
        for state in batch.states:
            state.head.position = 0
        return batch


class SavesLessonsLater(ResidentModels):
    """Says that what was obeyed is saved when it is not."""

    async def save_soon(self, partition: Any, keys: Any, resting: Any) -> bool:
        return True


class WritesBeforeDelivery(Delivery):
    """Says that everything is settled when it is not."""

    async def settled(self) -> bool:
        return True


class ForgetsCheckpoints(CheckpointLog[Any]):
    """Says that checkpoints are written, and writes none."""

    async def save(self, partition: int, generation: int, checkpoint: Any) -> int:
        return 0


class AcknowledgesUnsaved(Grouping):
    """Acknowledges a run once it is grouped, whether the book was saved or not."""

    async def take(self, run: Run) -> None:
        await super().take(run)
        run.ack()


class CommitsWhatIsOwed(IncidentPartition):
    """Commits all that was read, whoever is still to be told of it."""

    def commit(self) -> Commit:
        return Commit(self.position)


def _publish_nothing(found: object, topic: str) -> list[Any]:
    """Anomalies are found and never published."""
    return []


@dataclass(frozen=True)
class Breakage:
    """What takes the place of what is right, and the kind of worker that is then wrong."""

    play: str
    module: Any
    name: str
    replacement: Any


BROKEN = {
    "acknowledges_first": Breakage("scoring", app, "ResidentModels", AcknowledgesFirst),
    "acknowledges_before_writing": Breakage("scoring", app, "ResidentModels", AcknowledgesBeforeWriting),
    "names_an_old_position": Breakage("scoring", app, "ResidentModels", NamesAnOldPosition),
    "saves_lessons_later": Breakage("scoring", app, "ResidentModels", SavesLessonsLater),
    "writes_before_delivery": Breakage("scoring", foundation, "Delivery", WritesBeforeDelivery),
    "publishes_nothing": Breakage("scoring", score_executions, "anomalies_outgoing", _publish_nothing),
    "forgets_checkpoints": Breakage("intake", intake_app, "CheckpointLog", ForgetsCheckpoints),
    "forgets_templates": Breakage("logs", intake_app, "CheckpointLog", ForgetsCheckpoints),
    "acknowledges_unsaved": Breakage("incidents", incidents_app, "Grouping", AcknowledgesUnsaved),
    "commits_what_is_owed": Breakage("notify", notifier, "IncidentPartition", CommitsWhatIsOwed),
}


@contextmanager
def broken(name: str) -> Iterator[None]:
    """While this lasts, workers are put together with what is broken."""
    breakage = BROKEN[name]
    with mock.patch.object(breakage.module, breakage.name, breakage.replacement):
        yield


def worker(name: str) -> str:
    """The code of a scoring worker that is broken."""
    return f"from {__name__} import score; score({name!r})"


def score(name: str) -> None:
    """Be a scoring worker that is broken."""
    from tracehound.streams.settings.settings import load_settings
    from tracehound.streams.worker.worker import run_worker

    with broken(name):
        sys.exit(run_worker(load_settings(), app.build_scoring))

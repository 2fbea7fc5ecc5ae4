"""Settings that applications have of their own, as the topic of settings has them: known before anything is scored."""

from collections.abc import Callable, Iterable, Mapping

import structlog
from aiokafka import ConsumerRecord

from tracehound.detectors.alarms import events
from tracehound.schemas.application_settings import ApplicationSettings, read_application_settings
from tracehound.schemas.errors import ConfigurationError, InvalidExecutionError
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.model_event import ModelEvent
from tracehound.streams.kafka.changelog import ChangelogReader
from tracehound.streams.kafka.forwarding import Partitioner

Settle = Callable[[ApplicationKey, Mapping[str, float]], None]

log = structlog.get_logger(__name__)


class SettledApplications:
    """Has the core use the settings of the last record of each application, of the partitions that are owned.

    A partition is read whole when it is assigned, before anything of it is scored; what comes later is taken from
    whoever reads the topic on. Where the settings of a record cannot be, its application has those of the workers, on
    every worker the same.

    Parameters:
        reader: of the topic of settings.
        partitions: of the topic.
        settle: has the core use settings for an application; raises ConfigurationError where they cannot be.
    """

    def __init__(self, reader: ChangelogReader, partitions: int, settle: Settle) -> None:
        self._reader = reader
        self._partitioner = Partitioner(partitions)
        self._settle = settle
        self._offsets: dict[int, dict[ApplicationKey, int]] = {}

    async def load(self, partitions: Iterable[int]) -> None:
        """Read these partitions whole; waits while no broker answers."""
        before = {number: self._offsets.pop(number, {}) for number in partitions}
        async for page in self._reader.read(dict.fromkeys(before, 0)):
            for record in page.records:
                try:
                    self.take(record)
                except InvalidExecutionError as error:  # whoever reads on makes it a dead letter
                    log.warning("settings_refused", partition=page.partition, sentence=str(error))
        for number, keys in before.items():
            self._forget(keys.keys() - self._offsets.get(number, {}).keys())

    def release(self, partitions: Iterable[int]) -> None:
        """Others own these partitions now."""
        for number in partitions:
            self._forget(self._offsets.pop(number, {}))

    def rewound(self, partition: int) -> None:
        """The partition's offsets begin anew: whatever comes next is later than what is known."""
        self._offsets[partition] = dict.fromkeys(self._offsets.get(partition, {}), -1)

    def take(self, record: ConsumerRecord) -> ModelEvent | None:
        """Use what a record says; returns what is to be told of it, None where a later one is known. Call it between
        runs of executions.

        Raises:
            InvalidExecutionError: it holds no settings, or is in another partition than its application.
        """
        said = read_application_settings(record.key, record.value)
        if (right := self._partitioner.partition_of(said.application)) != record.partition:
            raise InvalidExecutionError(
                f"Settings of {said.application} must be in partition {right}. Got {record.partition} instead."
            )
        offsets = self._offsets.setdefault(record.partition, {})
        if record.offset < offsets.get(said.key, -1):
            return None
        offsets[said.key] = record.offset
        return events.settled(said, f"{record.partition}-{record.offset}", self._refused(said))

    def _refused(self, said: ApplicationSettings) -> str:
        """Why an application cannot have these settings; empty where it has them now."""
        try:
            self._settle(said.key, said.settings)
            return ""
        except ConfigurationError as error:
            log.warning("settings_refused", application=said.application, environment=said.environment, why=str(error))
            self._settle(said.key, {})
            return str(error)

    def _forget(self, keys: Iterable[ApplicationKey]) -> None:
        for key in keys:
            self._settle(key, {})

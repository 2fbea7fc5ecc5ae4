"""What a worker remembers of each partition it owns: how far it was scored, forwarded origins, applications."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import structlog

from detectors.application import ApplicationKey
from streams.forwarding import Origin

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Seen:
    """The newest execution of an application: its event time, and the wall time at which it was scored."""

    newest_event_s: float
    scored_at_s: float


@dataclass(slots=True)
class Partition:
    """State of one owned partition; it belongs together with the models of its applications.

    ``scored_to`` is the offset below which everything has been scored, ``origins`` the highest origin offset
    applied of each source (topic and partition). ``lost`` is set when the partition is taken away: stop working on it.
    """

    number: int
    scored_to: int = 0
    origins: dict[tuple[str, int], int] = field(default_factory=dict)
    applications: dict[ApplicationKey, Seen] = field(default_factory=dict)
    newest_event_s: float | None = None
    lost: bool = False

    def first_time(self, origin: Origin) -> bool:
        """Whether a record with an origin is new here; remembers it. Origins of a source arrive in order."""
        source = (origin.topic, origin.partition)
        if origin.offset <= self.origins.get(source, -1):
            return False
        self.origins[source] = origin.offset
        return True


class Partitions:
    """The partitions that this worker owns. Taking one away forgets the models of its applications."""

    def __init__(self, forget: Callable[[ApplicationKey], None]) -> None:
        self._forget = forget
        self._owned: dict[int, Partition] = {}

    def __iter__(self) -> Iterator[Partition]:
        return iter(list(self._owned.values()))

    def __len__(self) -> int:
        return len(self._owned)

    def get(self, number: int) -> Partition | None:
        """The partition, if it is owned."""
        return self._owned.get(number)

    def assign(self, numbers: Iterable[int]) -> None:
        """These partitions are owned from now on, and no others. Those owned before keep their state."""
        wanted = set(numbers)
        for number in [number for number in self._owned if number not in wanted]:
            self._drop(number)
        for number in wanted - self._owned.keys():
            self._owned[number] = Partition(number)

    def positioned(self, committed: Mapping[int, int | None]) -> None:
        """Reading begins at these committed offsets.

        Where they lie above what was scored here, another worker went on meanwhile and the models are stale.
        """
        for number, offset in committed.items():
            partition = self._owned.get(number)
            if partition is None:
                continue
            begin = offset or 0
            if begin > partition.scored_to:
                if partition.applications:
                    log.warning("models_stale", partition=number, scored_to=partition.scored_to, committed=begin)
                self._drop(number)
                self._owned[number] = Partition(number, scored_to=begin)

    def rewound(self, number: int, offset: int) -> None:
        """The partition's offsets begin anew at ``offset``: what was remembered of higher ones means nothing."""
        partition = self._owned.get(number)
        if partition is not None and offset < partition.scored_to:
            partition.scored_to = offset

    def _drop(self, number: int) -> None:
        partition = self._owned.pop(number)
        partition.lost = True
        for application in partition.applications:
            self._forget(application)

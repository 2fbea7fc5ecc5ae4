"""What a worker remembers of each partition it owns: how far it was scored, its applications, what is not yet saved."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import structlog

from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.model_state import Head
from tracehound.streams.kafka.forwarding import Origin
from tracehound.streams.kafka.runs.run import Run

log = structlog.get_logger(__name__)

Source = tuple[str, int]
_EPOCHS_OF_GENERATION = 20
"""So many bits are left for what else makes the states of one generation later ones."""


@dataclass(slots=True)
class Seen:
    """What is remembered of an application beside its models.

    What time it is there by most of its executions, the wall times at which the first (0: that was long ago) and the
    last of them was scored, and of each source of records that came with an origin the highest number taken.
    ``quiet_since_s`` is in elapsed seconds of this process: when it was first seen that nothing has come since the last
    look; None where something has.
    """

    newest_event_s: float = 0.0
    scored_at_s: float = 0.0
    quiet_since_s: float | None = None
    origins: dict[Source, int] = field(default_factory=dict)
    first_scored_at_s: float = 0.0

    def quiet_for_its_age(self, now_s: float) -> float:
        """For how long nothing has come, next to for how long something had."""
        quiet_s, age_s = now_s - self.scored_at_s, self.scored_at_s - self.first_scored_at_s
        return (quiet_s + 1.0) / (max(0.0, age_s) + 1.0)  # (wall clocks jump)


@dataclass(slots=True)
class Partition:
    """State of one owned partition; it belongs together with the models of its applications.

    States are looked for once ``positioned``, and nothing is scored before ``loaded``. ``scored_to`` is the offset
    below which everything has been scored.
    Stored states may be ahead of what was committed: ``learned_to`` says by application below which offset its
    records are known, until reading has passed them all. ``unrestored`` are stored and not yet in memory.
    ``doubtful`` are applications whose newest state could not be read, with what is to be told when they are used.

    ``held`` are the runs whose acknowledgement waits for states to be saved. ``dirty`` are applications that
    have learned since their last save, with the offset from which on; ``saving`` the same while it is under way.
    ``lost`` is set when the partition is taken away: stop working on it. Offsets are those of the topic ``topic_id``
    (empty: not known); ``epoch`` grows each time that they begin again at a lower one, or models are changed
    by others than executions, and with each ``generation`` of the consumer group. ``rewound``: they have begun again
    since the states were looked for. ``full``: how many applications there are, where no more are taken; 0 where there
    is room.
    """

    number: int
    scored_to: int = 0
    positioned: bool = False
    loaded: bool = False
    learned_to: dict[ApplicationKey, int] = field(default_factory=dict)
    unrestored: set[ApplicationKey] = field(default_factory=set)
    doubtful: dict[ApplicationKey, str] = field(default_factory=dict)
    applications: dict[ApplicationKey, Seen] = field(default_factory=dict)
    held: deque[Run] = field(default_factory=deque)
    dirty: OrderedDict[ApplicationKey, int] = field(default_factory=OrderedDict)
    saving: dict[ApplicationKey, int] = field(default_factory=dict)
    newest_event_s: float | None = None
    lost: bool = False
    topic_id: str = ""
    epoch: int = 0
    generation: int = 0
    rewound: bool = False
    full: int = 0
    _loaded_at: int = field(default=0, init=False)
    _stored_to: dict[ApplicationKey, int] = field(default_factory=dict, init=False)
    _read_origins: dict[tuple[ApplicationKey, Source], int] = field(default_factory=dict, init=False)

    def load(self, heads: Mapping[ApplicationKey, Head]) -> None:
        """Remember which states are stored."""
        self._loaded_at = self.scored_to
        for key, head in heads.items():
            origins = {(topic, partition): number for topic, partition, number in head.origins}
            times = (head.newest_event_s, head.scored_at_s)
            self.applications[key] = Seen(*times, origins=origins, first_scored_at_s=head.first_scored_at_s)
            self.learned_to[key] = self._stored_to[key] = head.position
            self.unrestored.add(key)
            self.epoch = max(self.epoch, head.epoch)
            if head.newest_event_s:
                self.newest_event_s = max(self.newest_event_s or 0.0, head.newest_event_s)
        self.loaded = True

    def knows(self, key: ApplicationKey, offset: int, origin: Origin | None) -> bool:
        """Whether an application has learned the record at ``offset`` before, or is about to: there, or by origin."""
        if self.learned_to and offset < self.learned_to.get(key, 0):
            return True
        return origin is not None and self.has_learned(key, origin)

    def known_to(self, key: ApplicationKey) -> int:
        """The offset below which an application knows everything; its stored state may be ahead of what was read."""
        return max(self.scored_to, self.learned_to.get(key, 0))

    def has_learned(self, key: ApplicationKey, origin: Origin) -> bool:
        """Whether an application has learned what has this origin before, or is about to."""
        return origin.offset <= self.learned_through(key, origin.source)

    def learned_through(self, key: ApplicationKey, source: Source) -> int:
        """The highest number of a source that an application has learned, or is about to; -1 for none."""
        seen = self.applications.get(key)
        learned = -1 if seen is None else seen.origins.get(source, -1)
        return max(learned, self._read_origins.get((key, source), -1))

    def skipped(self, key: ApplicationKey) -> str | None:
        """What is lost where the stored state of an application turns out to be unusable; None if nothing is.

        Its records from where reading began up to its position were taken for known.
        """
        position = self._stored_to.get(key, 0)
        if position <= self._loaded_at:
            return None
        return (
            f"The state of {key[0]} cannot be used, and what it had learned is lost: that of offsets {self._loaded_at} "
            f"to {position - 1} of partition {self.number} is not read again."
        )

    def note_read(self, key: ApplicationKey, origin: Origin) -> None:
        """A record with this origin is about to be learned by the application. Origins of a source arrive in order."""
        self._read_origins[key, origin.source] = origin.offset

    def note_learned(self, origins: Iterable[tuple[ApplicationKey, Origin]]) -> None:
        """Applications have learned the records with these origins: from now on they are part of their states."""
        for key, origin in origins:
            source = origin.source
            known = self.applications.setdefault(key, Seen()).origins
            if source not in known:  # the numbers of a topic of that name that is no more mean nothing
                for other in [one for one in known if one[1] == source[1] and one[0].partition("@")[0] == origin.topic]:
                    del known[other]
            known[source] = origin.offset
            if self._read_origins.get((key, source)) == origin.offset:
                del self._read_origins[key, source]

    def note_scored(self, end: int) -> None:
        """Everything below the offset ``end`` has been scored."""
        self.scored_to = max(self.scored_to, end)
        if self.learned_to and self.scored_to >= max(self.learned_to.values()):
            self.learned_to.clear()

    def retire(self, unused_since_s: float) -> list[ApplicationKey]:
        """Remember no longer applications of which nothing was scored since this wall time, and say which they were.

        Their states are removed with the next save. None, while something may still be to be read again.
        """
        self.full = 0  # it is time to look again
        if not self.loaded or self.learned_to:
            return []
        unsaved = self.dirty.keys() | self.saving.keys()
        unused = [key for key, seen in self.applications.items() if 0.0 < seen.scored_at_s < unused_since_s]
        retired = [key for key in unused if key not in unsaved]
        self._forget(retired)
        return retired

    def crowd_out(self, most: int, now_s: float) -> list[ApplicationKey]:
        """Remember no more than so many applications, and say which not. None while something may still be to be read
        again.

        Those go that were quiet for longer than they had been heard before, the quietest for their age first: names
        that came once or for a moment, as a producer makes up that puts an id into them. What is in use, and what
        comes back by the hour, the night or the week, stays. Where nothing else is left the partition is ``full``.
        Some more go than must, since it takes a look at all of them.
        """
        surplus = len(self.applications) - most
        if surplus < 0 or self.full or self.learned_to:
            return []
        quiet = ((seen.quiet_for_its_age(now_s), key) for key, seen in self.applications.items())
        made_up = sorted((entry for entry in quiet if entry[0] > 1.0), reverse=True)
        gone = [key for _, key in made_up[: surplus + most // 10]] if surplus else []
        self._forget(gone)
        if len(self.applications) >= most and len(gone) == len(made_up):
            self.full = len(self.applications)
        return gone

    def _forget(self, keys: Iterable[ApplicationKey]) -> None:
        for key in keys:
            del self.applications[key]
            self.unrestored.discard(key)
            self.doubtful.pop(key, None)
            self._stored_to.pop(key, None)
            self.dirty.setdefault(key, self.scored_to)  # the state is removed with the next save

    @property
    def unsaved_from(self) -> int | None:
        """The offset from which on something learned is not yet saved; None if all is."""
        sinces = [next(iter(self.dirty.values()))] if self.dirty else []
        return min([*sinces, *self.saving.values()], default=None)

    def acknowledge(self) -> None:
        """Acknowledge the leading runs that no application needs to be read again."""
        unsaved = self.unsaved_from
        while self.held and self.held[0].done and (unsaved is None or self.held[0].end <= unsaved):
            self.held.popleft().ack()


class Partitions:
    """The partitions that this worker owns. Taking one away forgets the models of its applications.

    Parameters:
        forget: lets the core forget the models of an application.
        topic_id: gives the id of the topic that is read; empty where nobody knows.
        generation: gives that of the consumer group.
    """

    def __init__(
        self,
        forget: Callable[[ApplicationKey], None],
        topic_id: Callable[[], str] = lambda: "",
        generation: Callable[[], int] = lambda: 0,
    ) -> None:
        self._forget = forget
        self._topic_id = topic_id
        self._generation = generation
        self._owned: dict[int, Partition] = {}

    def __iter__(self) -> Iterator[Partition]:
        return iter(list(self._owned.values()))

    def __len__(self) -> int:
        return len(self._owned)

    def get(self, number: int) -> Partition | None:
        """The partition, if it is owned."""
        return self._owned.get(number)

    async def loaded(self, run: Run) -> Partition | None:
        """The partition of the run's number once its states are known; see ``Run.once``."""

        def find() -> Partition | None:
            partition = self.get(run.tp.partition)
            return partition if partition is not None and partition.loaded else None

        return await run.once(find)

    def assign(self, numbers: Iterable[int]) -> list[int]:
        """These partitions are owned from now on, and no others; those owned before keep their state.

        Returns those that are no longer owned.
        """
        wanted = set(numbers)
        gone = [number for number in self._owned if number not in wanted]
        for number in gone:
            self._drop(number)
        for number in wanted - self._owned.keys():
            self._owned[number] = Partition(number)
        return gone

    def unloaded(self) -> list[Partition]:
        """Owned partitions whose stored states have not been looked for, and whose beginning is known.

        What was stored before the beginning was asked for may be older than what is committed there.
        """
        return [partition for partition in self if partition.positioned and not partition.loaded]

    def positioned(self, committed: Mapping[int, int | None]) -> None:
        """Reading begins at these committed offsets.

        Where they lie above what was scored here, another worker went on meanwhile and the models are stale. They may
        be where offsets have begun anew, too: what another one learned before that, no offset tells any more. Nor does
        any where a generation was missed, and another one may have saved states in it, which count as later than those
        from here.
        """
        generation = self._generation()
        for number, offset in committed.items():
            partition = self._owned.get(number)
            if partition is None:
                continue
            begin = offset or 0
            partition.held.clear()
            missed = generation > partition.generation + 1
            if partition.positioned and (partition.rewound or missed or begin > partition.scored_to):
                log.warning("models_stale", partition=number, scored_to=partition.scored_to, committed=begin)
                self._drop(number)
                partition = self._owned[number] = Partition(number)
            partition.scored_to = max(partition.scored_to, begin)
            partition.generation = generation
            # Whoever has lost the partition without knowing it may obey a control, which makes its states later ones:
            # but not later than those of whoever owns it since, and has read further.
            partition.epoch = max(partition.epoch, generation << _EPOCHS_OF_GENERATION)
            partition.positioned = True

    def rewound(self, number: int, offset: int) -> None:
        """The partition's offsets begin anew at ``offset``: what was remembered of higher ones means nothing."""
        partition = self._owned.get(number)
        if partition is not None and offset <= partition.scored_to:  # equal: nothing had been scored yet
            partition.scored_to = offset
            partition.epoch += 1
            partition.rewound = True
            partition.topic_id = self._topic_id()  # another one's maybe
            partition.learned_to.clear()
            partition.held.clear()
            for unsaved in (partition.dirty, partition.saving):
                unsaved.update(dict.fromkeys(unsaved, offset))

    def drop(self, partition: Partition) -> None:
        """Give up a partition whose models are no longer right: nothing of it is saved or acknowledged any more."""
        if self._owned.get(partition.number) is partition:
            self._drop(partition.number)

    def begin_anew(self, partition: Partition) -> None:
        """Give up what is known of a partition that stays owned: reading is to begin at what is committed."""
        if self._owned.get(partition.number) is partition:
            self._drop(partition.number)
            self._owned[partition.number] = Partition(partition.number)

    def _drop(self, number: int) -> None:
        partition = self._owned.pop(number)
        partition.lost = True
        for application in partition.applications:
            self._forget(application)

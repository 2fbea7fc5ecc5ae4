"""Model states in a compacted topic, with a copy on disk: loaded with their partition, saved one by one."""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog
from aiokafka import ConsumerRecord

from tracehound.schemas.errors import SnapshotError, TracehoundError
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.model_state import Head, ModelState, RecordKey, owner_of, pack_state, read_key, unpack_state
from tracehound.schemas.pieces import Wholes
from tracehound.streams.kafka.changelog import ChangelogReader, Page
from tracehound.streams.kafka.publisher import Outgoing, Publisher
from tracehound.streams.states.state_store import DamagedCopyError, StateStore

_Result = TypeVar("_Result")
_Act = Callable[[int, Callable[[StateStore], Any]], Awaitable[Any]]

log = structlog.get_logger(__name__)


class StateUnavailableError(TracehoundError):
    """The folder for model states cannot be used; the message says which and why."""


class ModelStates:
    """The stored states of the partitions that this worker owns.

    A record's key names application, environment, generation of the consumer group, turn and piece. So a worker
    that has lost its partition without knowing cannot replace what its successor wrote, and an interrupted save
    leaves the state before it whole. What is learned follows from the order of the executions alone, so every
    state is right for its position, and the highest is taken, whoever wrote it. A copy that turns out to be damaged
    is deleted, and the topic read from its beginning.

    Parameters:
        topic: the model state topic.
        folder: asked where the copies live; one file per partition.
        generation: of the consumer group, asked when a state is saved.
    """

    def __init__(
        self,
        topic: str,
        folder: Callable[[], Path],
        reader: ChangelogReader,
        publisher: Publisher,
        generation: Callable[[], int],
    ) -> None:
        self._topic = topic
        self._folder = folder
        self._reader = reader
        self._publisher = publisher
        self._generation = generation
        self._stores: dict[int, StateStore] = {}
        self._turns: dict[ApplicationKey, int] = {}
        self._doubts: dict[int, Mapping[ApplicationKey, str]] = {}
        self._reading_anew: set[int] = set()
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._disk = ThreadPoolExecutor(1, "model-states")  # what is under way ends before the next begins

    async def load(self, partitions: Iterable[int]) -> dict[int, dict[ApplicationKey, Head]]:
        """Bring the copies of these partitions up to date, and give the heads of their states.

        Raises:
            StateUnavailableError: the folder cannot be used.
        """
        wanted = list(partitions)
        await self._read({number: await self._on_disk(number, lambda store: store.following) for number in wanted})
        return {number: await self._on_disk(number, StateStore.heads) for number in wanted}

    def doubts(self, partition: int) -> Mapping[ApplicationKey, str]:
        """Applications of which a newer state than the one found cannot be read, as of the last ``load``; and why."""
        return self._doubts.get(partition, {})

    async def _read(self, begins: Mapping[int, int], act: _Act | None = None) -> None:
        incoming = {number: _Incoming() for number in begins}
        async for page in self._reader.read(begins):
            await (act or self._on_disk)(page.partition, partial(incoming[page.partition].take, page))
        for number, one in incoming.items():
            self._doubts[number] = {key: doubt.why for key, doubt in one.doubts.items()}
            for problem in one.problems:
                log.warning("model_state_refused", partition=number, sentence=problem)

    async def snapshot(self, partition: int, key: ApplicationKey) -> bytes | None:
        """The stored models of an application, if there are any."""
        [found] = await self.snapshots(partition, [key])
        return found

    async def snapshots(self, partition: int, keys: Sequence[ApplicationKey]) -> list[bytes | None]:
        """The same of several applications, in their order."""
        return await self._on_disk(partition, lambda store: [store.snapshot(key) for key in keys])

    async def save(self, partition: int, states: Sequence[ModelState]) -> int:
        """Write states to the topic and to the copy, then remove what they replace; returns their bytes.

        Returns once the broker has acknowledged everything.

        Raises:
            RefusedError: the broker does not take a record of this size.
            StateUnavailableError: the folder cannot be used.
        """
        generation = self._generation()
        outgoing: list[Outgoing] = []
        records: dict[bytes, ApplicationKey] = {}
        turns = {state.key: 1 - self._turns.get(state.key, 1) for state in states}
        for state in states:
            turn = turns[state.key]
            for index, value in enumerate(pack_state(state)):
                key = RecordKey(*state.key, generation, turn, index).encoded()
                records[key] = state.key
                outgoing.append(Outgoing(self._topic, key, value, partition=partition))
        await asyncio.gather(*map(self._publisher.publish, outgoing))
        self._turns.update(turns)  # not before: the save after an interrupted one would replace the last whole state
        outdated = await self._on_disk(partition, partial(_put, states=states, records=records, generation=generation))
        if outdated:
            await self._tombstone(partition, outdated)
        return sum(len(one.value or b"") for one in outgoing)

    async def remove(self, partition: int, keys: Collection[ApplicationKey]) -> None:
        """Remove the states of applications from the topic and the copy."""
        if not keys:
            return
        records = await self._on_disk(partition, lambda store: {one for key in keys for one in store.records(key)})
        await self._tombstone(partition, records)
        await self._on_disk(partition, lambda store: store.forget(keys))
        for key in keys:
            self._turns.pop(key, None)

    async def release(self, partitions: Iterable[int]) -> None:
        """Close the copies of partitions that others own now; what is under way opens them again."""
        for number in list(partitions):
            await self._run(partial(self._close, number))

    def close(self) -> None:
        """Close all copies, after what is under way."""
        self._disk.shutdown()
        for number in list(self._stores):
            self._close(number)

    def _close(self, number: int) -> None:
        store = self._stores.pop(number, None)
        if store is not None:
            store.close()

    async def _tombstone(self, partition: int, records: set[bytes]) -> None:
        gone = (Outgoing(self._topic, record, None, partition=partition) for record in sorted(records))
        await asyncio.gather(*map(self._publisher.publish, gone))
        await self._on_disk(partition, lambda store: store.forget_records(records))

    async def _on_disk(self, partition: int, act: Callable[[StateStore], _Result]) -> _Result:
        async with self._locks[partition]:  # nothing is looked for in a copy that is being read anew
            if partition not in self._reading_anew:
                try:
                    return await self._on_file(partition, act)
                except DamagedCopyError as error:
                    log.warning("model_state_copy_damaged", partition=partition, sentence=str(error))
            try:
                await self._read_anew(partition)
                return await self._on_file(partition, act)
            except DamagedCopyError as error:
                raise self._unavailable(error) from error

    async def _read_anew(self, partition: int) -> None:
        self._reading_anew.add(partition)  # until it is complete: this may be cancelled
        await self._run(lambda: self._remove(partition))
        await self._read({partition: 0}, self._on_file)
        self._reading_anew.discard(partition)

    async def _on_file(self, partition: int, act: Callable[[StateStore], _Result]) -> _Result:
        return await self._run(lambda: act(self._store(partition)))

    def _remove(self, partition: int) -> None:
        self._store(partition).remove()
        del self._stores[partition]

    def _store(self, partition: int) -> StateStore:
        store = self._stores.get(partition)
        if store is None:
            store = self._stores[partition] = StateStore(self._folder() / f"{partition}.sqlite")
        return store

    async def _run(self, act: Callable[[], _Result]) -> _Result:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._disk, act)
        except (sqlite3.Error, OSError) as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> StateUnavailableError:
        return StateUnavailableError(
            f"The setting 'state_dir' must name a folder that can be written to. "
            f"Got {str(self._folder())!r} instead: {error}."
        )


def _put(
    store: StateStore, states: Sequence[ModelState], records: Mapping[bytes, ApplicationKey], generation: int
) -> set[bytes]:
    """Keep states, and give the records of other generations that hold earlier ones of the same applications."""
    store.put(states, records)
    known = {record: read_key(record) for state in states for record in store.records(state.key)}
    return {record for record, read in known.items() if read is None or read.generation != generation}


_NONE = (0, -1)
"""Below the rank of any state."""


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A record that cannot be read, after a state of this ``rank``."""

    offset: int
    rank: tuple[int, int]
    why: str


class _Incoming:
    """Takes what is read of one partition into its copy.

    ``problems`` are sentences about what cannot be used; ``doubts`` are the applications whose newest state may be
    among it, for no state that goes as far as those before was read after it.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.doubts: dict[ApplicationKey, _Doubt] = {}
        self._wholes = Wholes()
        self._highest: dict[ApplicationKey, tuple[int, int]] = {}

    def take(self, page: Page, store: StateStore) -> None:
        if page.anew:
            store.clear()
        states: list[ModelState] = []
        known: dict[bytes, ApplicationKey] = {}
        for record in page.records:
            key = _application_of(record)
            if key is None:
                continue
            if record.value is None:
                states = self._gone(store, states, record, key, known)
                continue
            known[record.key] = key
            found, problems = self._states_in(record, key)
            states += found
            for problem in problems:
                self._doubt(store, key, record, problem)
        # Reading begins once more where pieces wait for others, or they would never meet; and at what is in doubt,
        # for it may not have been told before the worker ends.
        marks = [page.following, *(doubt.offset for doubt in self.doubts.values())]
        waiting = self._wholes.waiting_since
        store.put(states, known, min(marks if waiting is None else [*marks, waiting]))

    def _states_in(self, record: ConsumerRecord, key: ApplicationKey) -> tuple[list[ModelState], list[str]]:
        """The states that a record completes, and what is wrong with it."""
        wholes = self._wholes.add(record.value, int(record.offset))
        problems, self._wholes.problems = self._wholes.problems, []
        states = []
        for whole in wholes:
            if whole.owner != owner_of(key):
                problems.append(f"A record of {owner_of(key)!r} holds a state of {whole.owner!r}.")
                continue
            try:
                state = unpack_state(whole)
            except SnapshotError as error:
                problems.append(str(error))
                continue
            states.append(state)
            self._highest[key] = max(state.head.rank, self._highest.get(key, _NONE))
            if key in self.doubts and state.head.rank >= self.doubts[key].rank:
                del self.doubts[key]
        return states, problems

    def _doubt(self, store: StateStore, key: ApplicationKey, record: ConsumerRecord, why: str) -> None:
        self.problems.append(why)
        rank = max(self._highest.get(key, _NONE), store.rank(key) or _NONE)
        self.doubts.setdefault(key, _Doubt(int(record.offset), rank, why))

    def _gone(
        self,
        store: StateStore,
        states: list[ModelState],
        record: ConsumerRecord,
        key: ApplicationKey,
        known: dict[bytes, ApplicationKey],
    ) -> list[ModelState]:
        store.put(states, known)
        known.clear()
        store.forget_records([record.key])
        if not store.records(key):  # all records are gone: the state was removed
            store.forget([key])
            self.doubts.pop(key, None)
        return []


def _application_of(record: ConsumerRecord) -> ApplicationKey | None:
    key = read_key(record.key)
    return None if key is None else (key.application, key.environment)

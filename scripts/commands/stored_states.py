"""The model states that are stored on a broker, as compaction would leave them."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiokafka import ConsumerRecord

from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.model_state import ModelState, read_key, unpack_state
from tracehound.schemas.pieces import latest


@dataclass(frozen=True, slots=True)
class Stored:
    """The latest stored state of an application, and where it is."""

    partition: int
    state: ModelState


def stored_states(messages: Iterable[ConsumerRecord]) -> tuple[dict[ApplicationKey, Stored], int]:
    """The state with the highest position of every application, and how many records are unusable.

    ``messages`` are all of the model state topic, in the order of each partition.
    """
    live: dict[int, dict[bytes, bytes]] = {}
    for message in messages:
        records = live.setdefault(message.partition, {})
        key, value = message.key or b"", message.value
        if value is None:
            records.pop(key, None)  # removed: the state was reset, or replaced
        else:
            records[key] = value
    stored: dict[ApplicationKey, Stored] = {}
    unusable = 0
    for partition, records in live.items():
        wholes, problems = latest(value for key, value in records.items() if read_key(key) is not None)
        unusable += len(problems)
        for whole in wholes:
            try:
                state = unpack_state(whole)
            except SnapshotError:
                unusable += 1
                continue
            known = stored.get(state.key)
            if known is None or state.head.rank > known.state.head.rank:
                stored[state.key] = Stored(partition, state)
    return stored, unusable

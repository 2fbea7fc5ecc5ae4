"""What somebody with write access to the model state topic might put there, or a broken disk."""

import os
import pickle
import random
from pathlib import Path

import msgspec
from confluent_kafka import Producer

from tracehound.schemas.model_state import Head, ModelState, RecordKey, owner_of, pack_state
from tracehound.schemas.pieces import split
from tracehound.schemas.topics import Topics

_TIMEOUT_S = 30.0
_GENERATION = 1_000_000
_POSITION = 2**40


class _Creates:
    """Creates a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self._folder),)


def hostile_values(folder: Path, application: str, chance: random.Random) -> list[bytes]:
    """Values of records that must all be refused; a pickle among them would create ``folder``."""
    malicious = pickle.dumps(_Creates(folder))
    key = (application, "")
    other = ModelState("somebody-else", "", Head(_POSITION), b"")
    [whole] = pack_state(ModelState(*key, Head(_POSITION), b"x" * 100))
    return [
        chance.randbytes(300),
        b"",
        malicious,
        whole[: len(whole) // 2],
        whole[:-1] + bytes([whole[-1] ^ 1]),
        split(owner_of(key), _POSITION, malicious)[0],
        split(owner_of(key), _POSITION, chance.randbytes(50))[0],
        split(owner_of(key), _POSITION, chance.randbytes(50), piece_bytes=20)[1],
        split(owner_of(key), _POSITION, msgspec.msgpack.encode(other))[0],
    ]


def write_hostile_states(servers: str, topics: Topics, folder: Path, chance: random.Random) -> None:
    """Write hostile records under the keys of applications, and under keys that are none, to every partition."""
    producer = Producer({"bootstrap.servers": servers, "log_level": 0})
    for partition in range(topics.partitions):
        for application in ("gateway", "catalog", "cart"):
            for index, value in enumerate(hostile_values(folder, application, chance)):
                key = RecordKey(application, "", _GENERATION, 7, index).encoded()
                producer.produce(topics.model_states.name, value, key, partition)
        producer.produce(topics.model_states.name, pickle.dumps(_Creates(folder)), chance.randbytes(8), partition)
        producer.produce(topics.model_states.name, b"no key", None, partition)
    assert producer.flush(_TIMEOUT_S) == 0, "the broker takes what it is sent"

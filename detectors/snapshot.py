"""Model state as bytes and back: versioned, checksummed, compressed, and nothing in it that needs code to be read."""

import zlib
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np

from schemas.errors import SnapshotError

VERSION = 2
_MAGIC = b"THS"
_DIGEST = 16
_DTYPES = frozenset({"float32", "float64", "int8", "int16", "int32", "int64", "uint8"})
_NAMES = {np.dtype(name): name for name in _DTYPES}
"""NumPy works the name of a type out anew each time, which took a fifth of a snapshot."""
_LIMIT = 256 * 1024 * 1024


def _to_plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"dtype": _NAMES.get(value.dtype) or value.dtype.name, "shape": value.shape, "data": value.tobytes()}
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"A snapshot holds numbers, strings and arrays. Got {type(value).__name__} instead.")


def _from_plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_plain(element) for element in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"dtype", "shape", "data"}:
        if value["dtype"] not in _DTYPES:
            raise SnapshotError(f"A snapshot's arrays must be numbers. Got the type {value['dtype']!r} instead.")
        return np.frombuffer(value["data"], value["dtype"]).reshape(value["shape"]).copy()
    return {key: _from_plain(element) for key, element in value.items()}


def pack(state: dict[str, Any]) -> bytes:
    """Bytes of a state made of dicts, lists, strings, numbers and NumPy arrays.

    Layout: 3 bytes magic, 1 byte version, 16 bytes BLAKE2b of the rest, zlib-compressed MessagePack.

    >>> unpack(pack({"count": 3, "reference": np.array([1.5])}))["reference"].tolist()
    [1.5]
    """
    body = zlib.compress(msgspec.msgpack.encode(state, enc_hook=_to_plain), level=1)
    return _MAGIC + bytes([VERSION]) + blake2b(body, digest_size=_DIGEST).digest() + body


def unpack(snapshot: bytes) -> dict[str, Any]:
    """The state that ``pack`` was given.

    Raises:
        SnapshotError: it is no snapshot, of another version, damaged, or too large.
    """
    header = len(_MAGIC) + 1
    if snapshot[: len(_MAGIC)] != _MAGIC or len(snapshot) < header + _DIGEST:
        raise SnapshotError("The stored state is not a snapshot of tracehound.")
    if snapshot[len(_MAGIC)] != VERSION:
        raise SnapshotError(
            f"The snapshot has version {snapshot[len(_MAGIC)]}; this tracehound reads version {VERSION}."
        )
    digest, body = snapshot[header : header + _DIGEST], snapshot[header + _DIGEST :]
    if blake2b(body, digest_size=_DIGEST).digest() != digest:
        raise SnapshotError("The snapshot is damaged: its checksum does not fit.")
    try:
        inflater = zlib.decompressobj()
        plain = inflater.decompress(body, _LIMIT)
        if inflater.unconsumed_tail:
            raise SnapshotError(f"The snapshot is larger than {_LIMIT} bytes.")
        state = _from_plain(msgspec.msgpack.decode(plain))
    except (zlib.error, msgspec.DecodeError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise SnapshotError(f"The snapshot cannot be read: {error}") from error
    if not isinstance(state, dict):
        raise SnapshotError("The snapshot holds no state.")
    return state

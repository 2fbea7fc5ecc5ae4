"""Model state as bytes and back: versioned, checksummed, compressed, and nothing in it that needs code to be read."""

import zlib
from hashlib import blake2b
from typing import Any

import cramjam
import msgspec
import numpy as np

from tracehound.detectors.packed.message_pack import DEEPEST, TOO_DEEP, elements_of
from tracehound.detectors.packed.stored_columns import DTYPES
from tracehound.schemas.errors import SnapshotError

VERSION = 3
_ZLIB_VERSION = 2
"""The version before, whose body is compressed by zlib: read, no longer written."""
_MAGIC = b"THS"
_DIGEST = 16
_LENGTH = 4
_LEVEL = 1  # Zstandard's: a sixth of the time of zlib's fastest, and smaller
_NAMES = {np.dtype(name): name for name in DTYPES}
"""NumPy works the name of a type out anew each time, which took a fifth of a snapshot."""
_OF_AN_ARRAY = frozenset({"dtype", "shape", "data"})
_NESTED = frozenset({dict, list})
"""What may hold arrays; three of four values of a state are plain."""
_LIMIT = 256 * 1024 * 1024
_SKIPPED = b"\x50\x2a\x4d\x18"
_EXPANSION, _ANYWAY = 200, 65_536
"""A state may be so many times its compressed bytes, and so large anyway: those of young applications are 40 times."""
_ELEMENTS, _BYTES_PER_ELEMENT = 4_000_000, 4
"""Values that a state may hold, and bytes that it needs for each: 15 in those with most names, 100 in others."""
_FEW = 1_000
UNREADABLE = (
    *(zlib.error, cramjam.DecompressionError),
    *(msgspec.DecodeError, ValueError, KeyError, TypeError, RecursionError),
)
"""What reading of bytes may raise that are no state."""


def _to_plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"dtype": _NAMES.get(value.dtype) or value.dtype.name, "shape": value.shape, "data": value.tobytes()}
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"A snapshot holds numbers, strings and arrays. Got {type(value).__name__} instead.")


def with_arrays(value: Any) -> Any:
    """A part of a state as it was given to ``pack``, of one that was decoded.

    Raises:
        SnapshotError, ValueError, KeyError, TypeError: an array is none of numbers, or has others than its shape says.
    """
    if isinstance(value, list):
        return [with_arrays(element) if type(element) in _NESTED else element for element in value]
    if not isinstance(value, dict):
        return value
    if len(value) == len(_OF_AN_ARRAY) and value.keys() == _OF_AN_ARRAY:
        if value["dtype"] not in DTYPES:
            raise SnapshotError(f"A snapshot's arrays must be numbers. Got the type {value['dtype']!r} instead.")
        return np.frombuffer(value["data"], value["dtype"]).reshape(value["shape"]).copy()
    return {key: with_arrays(element) if type(element) in _NESTED else element for key, element in value.items()}


def pack(state: dict[str, Any]) -> bytes:
    """Bytes of a state made of dicts, lists, strings, numbers and NumPy arrays.

    Layout: 3 bytes magic, 1 byte version, 16 bytes BLAKE2b of the rest, 4 bytes length of the MessagePack that
    follows (little endian), compressed by Zstandard. What compresses better than ``unpack`` believes is filled up.

    >>> unpack(pack({"count": 3, "reference": np.array([1.5])}))["reference"].tolist()
    [1.5]
    """
    plain = msgspec.msgpack.encode(state, enc_hook=_to_plain)
    body = len(plain).to_bytes(_LENGTH, "little") + bytes(cramjam.zstd.compress(plain, level=_LEVEL))
    lacking = -(-(len(plain) - _ANYWAY) // _EXPANSION) - len(body)
    if lacking > 0:
        body += _filling(lacking)
    return _MAGIC + bytes([VERSION]) + blake2b(body, digest_size=_DIGEST).digest() + body


def _filling(length: int) -> bytes:
    """At least so many bytes that decompression skips (RFC 8878, 3.1.2)."""
    content = max(0, length - len(_SKIPPED) - _LENGTH)
    return _SKIPPED + content.to_bytes(_LENGTH, "little") + bytes(content)


def unpack(snapshot: bytes) -> dict[str, Any]:
    """The state that ``pack`` was given.

    Raises:
        SnapshotError: it is no snapshot, of another version, damaged, or too large.
    """
    try:
        state = with_arrays(msgspec.msgpack.decode(decompressed(snapshot)))
    except UNREADABLE as error:
        raise SnapshotError(f"The snapshot cannot be read: {error}") from error
    if not isinstance(state, dict):
        raise SnapshotError("The snapshot holds no state.")
    return state


def decompressed(snapshot: bytes) -> bytes | bytearray:
    """The MessagePack that a snapshot holds, of no more values and bytes than are believed.

    Raises:
        SnapshotError: it is no snapshot, of another version, damaged, or too large.
    """
    header = len(_MAGIC) + 1
    if snapshot[: len(_MAGIC)] != _MAGIC or len(snapshot) < header + _DIGEST:
        raise SnapshotError("The stored state is not a snapshot of tracehound.")
    version = snapshot[len(_MAGIC)]
    if version not in (_ZLIB_VERSION, VERSION):
        raise SnapshotError(
            f"The snapshot has version {version}; this tracehound reads the versions {_ZLIB_VERSION} and {VERSION}."
        )
    digest, body = snapshot[header : header + _DIGEST], snapshot[header + _DIGEST :]
    if blake2b(body, digest_size=_DIGEST).digest() != digest:
        raise SnapshotError("The snapshot is damaged: its checksum does not fit.")
    try:
        plain = _inflate(body) if version == _ZLIB_VERSION else _decompress(body)
    except UNREADABLE as error:
        raise SnapshotError(f"The snapshot cannot be read: {error}") from error
    _check_elements(plain)
    return plain


def _decompress(body: bytes) -> bytearray:
    length = int.from_bytes(body[:_LENGTH], "little")
    if length > _limit_of(body):
        raise SnapshotError(_too_large(body))
    plain = bytearray(length)  # what would need more is refused before it is decompressed
    cramjam.zstd.decompress_into(body[_LENGTH:], plain)
    return plain


def _inflate(body: bytes) -> bytes:
    inflater = zlib.decompressobj()
    plain = inflater.decompress(body, _limit_of(body))
    if inflater.unconsumed_tail:
        raise SnapshotError(_too_large(body))
    return plain


def _limit_of(body: bytes) -> int:
    """The bytes that a compressed state may become."""
    return min(_LIMIT, _ANYWAY + _EXPANSION * len(body))


def _too_large(body: bytes) -> str:
    return f"The snapshot of {len(body)} bytes must become at most {_limit_of(body)} bytes. It is larger."


def _check_elements(plain: bytes | bytearray) -> None:
    elements = elements_of(np.frombuffer(plain, np.uint8))
    if elements == TOO_DEEP:
        raise SnapshotError(f"The parts of a snapshot must be at most {DEEPEST} deep within each other.")
    most = min(_ELEMENTS, _FEW + len(plain) // _BYTES_PER_ELEMENT)
    if elements > most:
        raise SnapshotError(
            f"A snapshot of {len(plain)} bytes must hold at most {most} values. Got {elements} instead."
        )

"""Cursors: where the next page of a list begins, in a text that means nothing to others and that nobody can forge."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import msgspec
from itsdangerous import BadData, URLSafeSerializer
from itsdangerous.encoding import base64_encode

from tracehound.streams.http.refusal import RequestRefusedError

Place = list[Any]
"""The values, of the last row of a page, that its order goes by."""


class _Short(URLSafeSerializer):
    """Compresses nothing: a place is shorter than what compressing adds, and to try takes longer than to sign."""

    def dump_payload(self, obj: Any) -> bytes:
        """A place as text for URLs."""
        return base64_encode(msgspec.json.encode(obj))


class Cursors:
    """Writes and reads cursors.

    Parameters:
        secret: that they are signed with.
    """

    def __init__(self, secret: str) -> None:
        self._serializer = _Short(secret, salt="tracehound.cursor")

    def write(self, place: Place, asked: Mapping[str, Any]) -> str:
        """The cursor of a list's place, good only for the same question (``asked``: its path, filters and order)."""
        return str(self._serializer.dumps([_digest(asked), *place]))

    def read(self, cursor: str, asked: Mapping[str, Any]) -> Place:
        """The place that a cursor means.

        Raises:
            RequestRefusedError: it is none of ours, or of another question (400).
        """
        try:
            read: Place = self._serializer.loads(cursor)
            digest, *place = read
        except (BadData, ValueError, TypeError, RecursionError):
            raise _refusal("The cursor must be the 'next' of a page of this console. It is not.") from None
        if digest != _digest(asked):
            raise _refusal("The cursor must go on with the list that it comes from: same filters, same order.")
        return place


def _digest(asked: Mapping[str, Any]) -> str:
    said = msgspec.json.encode(asked, order="deterministic")
    return blake2b(said, digest_size=6).hexdigest()


def _refusal(detail: str) -> RequestRefusedError:
    return RequestRefusedError(400, "invalid_cursor", detail)

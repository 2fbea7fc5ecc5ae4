"""Requests that come again because their answer got lost: told by their key, and taken once.

Source: The Idempotency-Key HTTP Header Field, draft-ietf-httpapi-idempotency-key-header.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from tracehound.streams.http.refusal import RequestRefusedError

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
LONGEST_KEY: Final = 255
MOST_BYTES: Final = 16_000_000
"""Of answers that are remembered, with what each takes beside; the oldest are forgotten first."""
_EACH_BYTES: Final = 300
_DIGEST_BYTES: Final = 16
PARAMETER: Final[dict[str, Any]] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "The same for the same body sent again, and for nothing else: what was taken is not taken twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"},
}
"""What the document says of the header."""
REUSED: Final = "The Idempotency-Key was sent with another body before."


class Repeats:
    """Remembers the answers to requests with a key, within a bound of bytes, for as long as the gateway runs.

    A request that comes while the same is under way waits for that one. What was not taken is not remembered: it is
    tried again. Keys of one sender mean nothing to another, nor do those of one path on another.

    Parameters:
        most_bytes: what all that is remembered may take.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._answers: OrderedDict[bytes, tuple[bytes, bytes]] = OrderedDict()  # digest of the body, answer
        self._under_way: dict[bytes, asyncio.Event] = {}
        self.nbytes = 0

    async def once(self, request: Request, content: bytes, take: Callable[[], Awaitable[bytes]]) -> Response:
        """The answer of ``take``, in JSON; where the same request was taken before, that one's, and nothing is taken.

        Parameters:
            content: the unpacked body.

        Raises:
            RequestRefusedError: the key is none (400), or came with another body before (422); or ``take`` does.
        """
        key = request.headers.get(HEADER)
        if key is None:
            return _json(await take())
        if not 0 < len(key) <= LONGEST_KEY or not all("!" <= one <= "~" for one in key):
            raise RequestRefusedError(
                400,
                "idempotency_key",
                f"The {HEADER} must be 1 to {LONGEST_KEY} visible characters of ASCII. Got {key[:60]!r} instead.",
            )
        sender = getattr(request.state, "sender", "")
        place = _digest("\0".join((sender, request.url.path, key)).encode())
        while (other := self._under_way.get(place)) is not None:
            await other.wait()
        body = _digest(content)
        known = self._answers.get(place)
        if known is not None:
            if known[0] != body:
                raise RequestRefusedError(422, "idempotency_key", f"{REUSED} Send each body with a key of its own.")
            return _json(known[1], replayed=True)
        done = self._under_way[place] = asyncio.Event()
        try:
            answer = await take()
            self._remember(place, body, answer)
        finally:
            del self._under_way[place]
            done.set()
        return _json(answer)

    def _remember(self, place: bytes, body: bytes, answer: bytes) -> None:
        self._answers[place] = body, answer
        self.nbytes += _EACH_BYTES + len(answer)
        while self.nbytes > self._most_bytes:
            _, (_, oldest) = self._answers.popitem(last=False)
            self.nbytes -= _EACH_BYTES + len(oldest)


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=_DIGEST_BYTES).digest()


def _json(answer: bytes, replayed: bool = False) -> Response:
    return Response(answer, headers={REPLAYED: "true"} if replayed else None, media_type="application/json")

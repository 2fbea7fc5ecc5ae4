"""Sends executions over HTTP to ``tracehound gateway``.

Source: RFC 9110 (status codes and Retry-After), https://www.rfc-editor.org/rfc/rfc9110
"""

import codecs
import gzip
import http.client
import json
import os
import ssl
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from urllib.parse import urlsplit

from tracehound_client.transports.transport import Outcome

_PATH = "/v1/executions"
_GZIP_BYTES = 2_000
"""Bodies are compressed from this length on: below it a packet is a packet."""
_ANSWER_BYTES = 100_000
_LATER = (408, 429, 502, 503, 504)
"""Answers after which a request may be made again."""
_MOST_RETRY_AFTER_S = 300.0
_LEFT_BEHIND: list[http.client.HTTPConnection] = []

# else the first connection imports it, and a process that is forked in the midst of that waits for it forever
codecs.lookup("idna")


class Gateway:
    """HTTP or HTTPS to a gateway, on one connection that is kept.

    Parameters:
        url: of the gateway, with the path before ``/v1`` where a proxy asks for one.
        key: a key with the role ``ingest``; empty where the gateway has no keys.
        timeout_s: how long to wait to be connected, and for each piece of an answer.
        context: certificates that are trusted (HTTPS); those of the system without it.

    Raises:
        ValueError: the URL is none.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:4318",
        key: str = "",
        timeout_s: float = 15.0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(
                f"The 'url' of a gateway must be like http://HOST:PORT or https://HOST. Got {url!r} instead."
            )
        if not (key.isascii() and key.isprintable()):
            raise ValueError("The 'key' must be what tracehound gateway --new-key printed. Got something else instead.")
        if not timeout_s > 0:
            raise ValueError(f"The 'timeout_s' must be > 0. Got {timeout_s!r} instead.")
        self._secure, self._host = parts.scheme == "https", parts.hostname
        try:
            self._port = parts.port
        except ValueError as error:
            raise ValueError(f"The 'url' of a gateway must have a port up to 65535. Got {url!r} instead.") from error
        self._path = parts.path.rstrip("/") + _PATH
        self._key, self._timeout_s, self._context = key, timeout_s, context
        self._connection: http.client.HTTPConnection | None = None

    def send(self, application: str, batch: Sequence[bytes]) -> Outcome:
        """See ``Transport``."""
        body = b"[" + b",".join(batch) + b"]"
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "tracehound-client",
            # the same where the batch is sent again, and no other's: executions have ids
            "Idempotency-Key": blake2b(body, digest_size=16).hexdigest(),
        }
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        if len(body) > _GZIP_BYTES:
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        kept = self._connection is not None
        try:
            try:
                status, retry_after, answer = self._post(body, headers)
            except (http.client.RemoteDisconnected, ConnectionError):
                self.close()
                if not kept:  # a kept connection may have been closed while nothing was sent
                    raise
                status, retry_after, answer = self._post(body, headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Outcome(trouble=f"The gateway cannot be reached: {error or type(error).__name__}.", again_in_s=0.0)
        return _outcome(len(batch), status, retry_after, answer)

    def close(self) -> None:
        """See ``Transport``."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def left_behind(self) -> None:
        """See ``Transport``: the connection is the other process's. A lock of it may be held by a thread that is not
        here, so that it is neither closed nor destroyed but for its descriptor.
        """
        if self._connection is not None:
            _LEFT_BEHIND.append(self._connection)
            if self._connection.sock is not None:
                os.close(self._connection.sock.detach())
            self._connection = None

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, str, bytes]:
        connection = self._connection = self._connection or self._connected()
        connection.request("POST", self._path, body, headers)
        response = connection.getresponse()
        answer = response.read(_ANSWER_BYTES)
        if response.read(1) or response.will_close:
            self.close()
        return response.status, response.headers.get("Retry-After", ""), answer

    def _connected(self) -> http.client.HTTPConnection:
        if not self._secure:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        context = self._context or ssl.create_default_context()
        return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=context)


def _outcome(size: int, status: int, retry_after: str, answer: bytes) -> Outcome:
    if status in _LATER:
        told = f"The gateway answered {status}: {_detail(answer)}"
        return Outcome(trouble=told, again_in_s=_seconds(retry_after, time.time()))
    if not 200 <= status < 300:
        return Outcome(refused=size, trouble=f"The gateway answered {status}: {_detail(answer)}")
    refused = _refused(answer)
    refused = min(max(refused, 0), size)
    return Outcome(size - refused, refused, f"The gateway refused some: {_detail(answer)}" if refused else "")


def _seconds(retry_after: str, now_s: float) -> float:
    """Seconds that a header Retry-After asks to wait, which may be a date; 0 where it asks for nothing.

    >>> _seconds("3", 0.0), _seconds("Thu, 01 Jan 1970 00:00:09 GMT", 5.0), _seconds("soon", 0.0)
    (3.0, 4.0, 0.0)
    """
    try:
        if retry_after.strip().isdecimal():
            asked = float(retry_after)
        else:
            asked = parsedate_to_datetime(retry_after).timestamp() - now_s
    except (ValueError, OverflowError):
        return 0.0
    return min(max(asked, 0.0), _MOST_RETRY_AFTER_S)


def _said(answer: bytes) -> dict[str, object]:
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _refused(answer: bytes) -> int:
    refused = _said(answer).get("refused_executions")
    return refused if isinstance(refused, int) else 0


def _detail(answer: bytes) -> str:
    """Why, in the gateway's words, or in those of what stands before it."""
    said = _said(answer)
    refused = said.get("refused")
    if isinstance(refused, list) and refused and isinstance(refused[0], dict):
        return str(refused[0].get("reason"))[:500]
    return str(said.get("detail") or answer[:200].decode(errors="replace") or "nothing more")[:500]

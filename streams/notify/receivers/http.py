"""Posts JSON over HTTP, and reads from the answer whether to try again."""

import email.utils
import ssl
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

import aiohttp

from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.notify.hostile_text import harmless
from tracehound.streams.notify.outcome import Delivered, Failed, Outcome
from tracehound.streams.settings.mistakes import without_path

_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_SHOWN_BYTES = 400
_REASON = 200


class HttpPoster:
    """Posts to one server. Certificates are verified, redirects are not followed, proxies and netrc are not used.

    Parameters:
        timeout_s: for all of an attempt.
        ca_file: certificate authorities (PEM) instead of those of the system.

    Raises:
        ConfigurationError: ``ca_file`` cannot be read.
    """

    def __init__(self, timeout_s: float, ca_file: Path | None = None) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._timeout_s = timeout_s
        try:
            self._ssl = ssl.create_default_context(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                f"A receiver's setting 'ca_file' must be a file of PEM certificates. Got {str(ca_file)!r} instead: "
                f"{error}"
            ) from error
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Post once. Whatever is not 2xx is a failure; of those 408, 425, 429 and 5xx may pass."""
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._ssl)
            self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        sent = {"User-Agent": "tracehound", **headers}
        try:
            async with self._session.post(url, data=body, headers=sent, allow_redirects=False) as answer:
                return _read(answer.status, answer.headers, await answer.content.read(_SHOWN_BYTES))
        except TimeoutError:
            return Failed(f"No answer came within {self._timeout_s:g} s.", retry=True)
        except (aiohttp.ClientError, OSError) as error:
            return Failed(f"The connection failed: {harmless(str(error) or repr(error), _REASON)}.", retry=True)

    async def close(self) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()


def _read(status: int, headers: Mapping[str, str], content: bytes) -> Outcome:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Delivered()
    said = harmless(content.decode(errors="replace"), _REASON)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        where = harmless(without_path(headers.get("Location", "")), _REASON)
        return Failed(f"The answer is a redirect ({status}) to {where}, which is not followed.", retry=False)
    retry = status in _AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return Failed(
        f"The answer has status {status}: {said}.", retry, retry_after_s(headers.get("Retry-After"), time.time())
    )


def retry_after_s(given: str | None, now_s: float) -> float:
    """Seconds that a header ``Retry-After`` asks to wait (RFC 9110: seconds or a date); 0 without one.

    >>> retry_after_s("7", 0.0), retry_after_s("Thu, 01 Jan 1970 00:01:00 GMT", 20.0), retry_after_s("soon", 0.0)
    (7.0, 40.0, 0.0)
    """
    if given is None:
        return 0.0
    if given.strip().isascii() and given.strip().isdigit():
        return float(given)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(given).timestamp() - now_s)
    except (ValueError, OverflowError):
        return 0.0

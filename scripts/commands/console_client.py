"""What commands ask the console's API: where it is, with which key, and what it says against it."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from tracehound.schemas.errors import ConfigurationError, TracehoundError
from tracehound.scripts.commands.terminal_text import printable
from tracehound.streams.settings.settings import CONSOLE_KEY, CONSOLE_KEY_FILE, CONSOLE_URL

_DEFAULT_URL: Final = "http://127.0.0.1:8420"
_TIMEOUT_S: Final = 30.0
_MOST_BYTES: Final = 64_000_000
_MOST_KEY_BYTES: Final = 4_096
_PAGE: Final = 200
_NOT_FOUND: Final = 404
_NO_KEY: Final = 401


class ConsoleAnswerError(TracehoundError):
    """The console cannot be reached, or refuses; the message is its own sentence where it gave one."""


class NotKeptError(ConsoleAnswerError):
    """The console does not have what was asked for."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to an address that nobody chose."""

    def redirect_request(self, *_: Any) -> None:
        """Never."""


# Without proxies: the key goes to the console alone.
_OPENER: Final = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class ConsoleClient:
    """Asks a console.

    Parameters:
        url: of the console, without the path of the API.
        key: empty: none.
    """

    url: str
    key: str

    def get(self, *path: str, **query: str | int | Sequence[str] | None) -> dict[str, Any]:
        """The JSON object that is answered to a GET of a path below ``/api/v1``; parameters that are None are left out.

        Raises:
            NotKeptError: there is no such thing.
            ConsoleAnswerError: it cannot be reached, refuses, or does not answer as a console does.
        """
        given = urlencode({name: value for name, value in query.items() if value is not None}, doseq=True)
        where = "/".join(quote(part, safe="") for part in path)
        address = f"{self.url}/api/v1/{where}?{given}"
        request = urllib.request.Request(address, headers={"Accept": "application/json"})  # noqa: S310 (checked)
        if self.key:
            request.add_unredirected_header("Authorization", f"Bearer {self.key}")
        try:
            with _OPENER.open(request, timeout=_TIMEOUT_S) as answer:
                content = answer.read(_MOST_BYTES + 1)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error) from None
        except (OSError, HTTPException) as error:
            cause = printable(str(getattr(error, "reason", error)) or type(error).__name__)
            raise ConsoleAnswerError(
                f"No console answers at {self.url} ({cause}): start one with `tracehound console`, or say in "
                f"{CONSOLE_URL} where it is."
            ) from error
        if len(content) > _MOST_BYTES:
            raise ConsoleAnswerError(f"An answer of {self.url} must be of at most {_MOST_BYTES} bytes. It is longer.")
        return self._object(content)

    def items(self, *path: str, limit: int, **query: str | int | Sequence[str] | None) -> list[dict[str, Any]]:
        """The first ``limit`` items of a list, page after page.

        Raises:
            ConsoleAnswerError: see `get`.
        """
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while len(found) < limit:
            page = self.get(*path, limit=min(_PAGE, limit - len(found)), cursor=cursor, **query)
            found += page["items"]
            cursor = page["next"]
            if cursor is None:
                break
        return found

    def _object(self, content: bytes) -> dict[str, Any]:
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ConsoleAnswerError(f"What answers at {self.url} must be a console of tracehound. It answers no JSON.")
        return found

    def _refusal(self, error: urllib.error.HTTPError) -> ConsoleAnswerError:
        try:
            problem = json.loads(error.read(_MOST_BYTES))
            detail = printable(str(problem["detail"]))
        except (ValueError, KeyError, TypeError, RecursionError, OSError, HTTPException):
            return ConsoleAnswerError(
                f"What answers at {self.url} must be a console of tracehound. It answers with status {error.code}."
            )
        if error.code == _NO_KEY:
            detail += f" The key is taken from {CONSOLE_KEY}, or from the file that {CONSOLE_KEY_FILE} names."
        return (NotKeptError if error.code == _NOT_FOUND else ConsoleAnswerError)(detail)


def console_client(environment: Mapping[str, str] = os.environ) -> ConsoleClient:
    """The console that the environment names.

    Raises:
        ConfigurationError: the address or the key is none; the message names the variable.
    """
    url = environment.get(CONSOLE_URL, "") or _DEFAULT_URL
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and "@" not in parts.netloc
        fits = (
            fits and not parts.query and not parts.fragment and url.isascii() and url.isprintable() and " " not in url
        )
    except ValueError:
        fits = False
    if not fits:
        # (the value is not repeated: it may hold a password)
        raise ConfigurationError(f"{CONSOLE_URL} must be an address such as {_DEFAULT_URL}, without user and query.")
    return ConsoleClient(url.rstrip("/"), _key(environment))


def _key(environment: Mapping[str, str]) -> str:
    key, name = environment.get(CONSOLE_KEY, "").strip(), environment.get(CONSOLE_KEY_FILE, "")
    where = CONSOLE_KEY
    if not key and name:
        where = CONSOLE_KEY_FILE
        try:
            with Path(name).open("rb") as file:
                key = file.read(_MOST_KEY_BYTES).decode(errors="replace").strip()
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{CONSOLE_KEY_FILE} must name a file that can be read: {error}.") from error
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigurationError(f"{where} must give a key in one line, as `tracehound console --new-key` prints it.")
    return key

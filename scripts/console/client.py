"""What commands ask the console's API: where it is, with which key, and what it says against it."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final, TypedDict, TypeVar, cast
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from tracehound.schemas.errors import ConfigurationError
from tracehound.scripts.exit_codes import CommandError, ExitCode
from tracehound.streams.settings.settings import CONSOLE_KEY, CONSOLE_KEY_FILE, CONSOLE_URL

_DEFAULT_URL: Final = "http://127.0.0.1:8420"
_TIMEOUT_S: Final = 30.0
_MOST_BYTES: Final = 64_000_000
_MOST_KEY_BYTES: Final = 4_096
_PAGE: Final = 200

T = TypeVar("T")
Asked = str | int | float | Sequence[str] | None


class ConsoleAnswerError(CommandError):
    """The console cannot be reached, or refuses; the message is its own sentence where it gave one.

    Parameters:
        sentence: why.
        problem: what it answered (RFC 9457), where a console did.
    """

    def __init__(self, sentence: str, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.problem = dict(problem or {"title": "No console answers"}) | {"detail": sentence}


class NoConsoleError(ConsoleAnswerError):
    """Nobody answers there, or what answers is no console."""

    exit_code = ExitCode.NOBODY_ANSWERS


class KeyRefusedError(ConsoleAnswerError):
    """The console wants a key, or another one."""

    exit_code = ExitCode.KEY_REFUSED


class NotKeptError(ConsoleAnswerError):
    """The console does not have what was asked for."""

    exit_code = ExitCode.NOT_FOUND


_ERRORS: Final[Mapping[int, type[ConsoleAnswerError]]] = {
    401: KeyRefusedError,
    403: KeyRefusedError,
    404: NotKeptError,
}


class Page(TypedDict):
    """Some items of a list, and where it goes on."""

    items: list[Any]
    next: str | None


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

    def get(self, kind: type[T], /, *path: str, **query: Asked) -> T:
        """What is answered to a GET of a path below ``/api/v1``, as it came; parameters that are None are left out.

        Parameters:
            kind: what must be in it: a typed dictionary of `console_shapes`.

        Raises:
            NotKeptError: there is no such thing.
            ConsoleAnswerError: it cannot be reached, refuses, or does not answer as a console does.
        """
        given = {name: value for name, value in query.items() if value is not None}
        return self._shaped(kind, self._asked("GET", path, given, None))

    def send(self, kind: type[T], method: str, *path: str, body: Mapping[str, Any] | None = None) -> T:
        """What is answered to a request that changes something; an answer without content is an empty object.

        Raises:
            ConsoleAnswerError: see `get`.
        """
        return self._shaped(kind, self._asked(method, path, {}, body))

    def page(self, kind: type[Any], /, *path: str, **query: Asked) -> Page:
        """A page of a list, whose items are of one kind.

        Raises:
            ConsoleAnswerError: see `get`.
        """
        told = self.get(Page, *path, **query)
        for one in told["items"]:
            self._shaped(kind, one)
        return told

    def items(self, kind: type[T], /, *path: str, limit: int, **query: Asked) -> list[T]:
        """The first ``limit`` items of a list, page after page.

        Raises:
            ConsoleAnswerError: see `get`.
        """
        found: list[T] = []
        cursor: str | None = None
        while len(found) < limit:
            page = self.page(kind, *path, limit=min(_PAGE, limit - len(found)), cursor=cursor, **query)
            found += page["items"]
            cursor = page["next"]
            if cursor is None or not page["items"]:
                break
        return found

    def read(self, told: object, kind: type[T]) -> T:
        """What was told, as a type of ours.

        Raises:
            NoConsoleError: it is none.
        """
        try:
            return msgspec.convert(told, kind)
        except (msgspec.ValidationError, ValueError, RecursionError) as error:
            raise self._no_console(f"It answers otherwise: {error}.") from None

    def _asked(self, method: str, path: Sequence[str], query: Mapping[str, Any], body: object) -> Any:
        where = "/".join(quote(part, safe="") for part in path)
        address = f"{self.url}/api/v1/{where}?{urlencode(query, doseq=True)}"
        content = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json"} | ({} if content is None else {"Content-Type": "application/json"})
        request = urllib.request.Request(address, content, headers, method=method)  # noqa: S310 (checked)
        if self.key:
            request.add_unredirected_header("Authorization", f"Bearer {self.key}")
        try:
            with _OPENER.open(request, timeout=_TIMEOUT_S) as answer:
                told = answer.read(_MOST_BYTES + 1)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error) from None
        except (OSError, HTTPException) as error:
            cause = str(getattr(error, "reason", error)) or type(error).__name__
            raise NoConsoleError(
                f"No console answers at {self.url} ({cause}): start one with `tracehound console`, or say in "
                f"{CONSOLE_URL} where it is."
            ) from error
        if len(told) > _MOST_BYTES:
            raise NoConsoleError(f"An answer of {self.url} must be of at most {_MOST_BYTES} bytes. It is longer.")
        if not told:
            return {}
        try:
            return json.loads(told)
        except (ValueError, RecursionError):
            raise self._no_console("It answers no JSON.") from None

    def _shaped(self, kind: type[T], told: object) -> T:
        """What was told, as it came, once it is known to hold what ``kind`` says."""
        self.read(told, kind)
        return cast(T, told)

    def _no_console(self, why: str) -> NoConsoleError:
        return NoConsoleError(f"What answers at {self.url} must be a console of tracehound. {why}")

    def _refusal(self, error: urllib.error.HTTPError) -> ConsoleAnswerError:
        try:
            problem = json.loads(error.read(_MOST_BYTES))
            detail = " ".join(str(problem["detail"]).split())
        except (ValueError, KeyError, TypeError, RecursionError, OSError, HTTPException):
            return self._no_console(f"It answers with status {error.code}.")
        if error.code == 401:
            detail += f" The key is taken from {CONSOLE_KEY}, or from the file that {CONSOLE_KEY_FILE} names."
        return _ERRORS.get(error.code, ConsoleAnswerError)(detail, problem)


def console_is_named(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment says where a console is, or with which key it is to be asked."""
    return any(environment.get(name) for name in (CONSOLE_URL, CONSOLE_KEY, CONSOLE_KEY_FILE))


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

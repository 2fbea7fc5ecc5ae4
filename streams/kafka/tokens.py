"""Tokens of an OAuth 2.0 server, by which clients of Kafka are known (SASL OAUTHBEARER, RFC 7628)."""

import asyncio
import base64
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

from aiokafka.abc import AbstractTokenProvider

_TIMEOUT_S = 10.0
_LONGEST_ANSWER = 100_000
_USED_SHARE = 0.8
_LIVES_S = 300.0
"""Where the server does not say it."""


class TokenError(OSError):
    """The token server gave none; the message says why, and holds no secret."""


class ClientCredentials(AbstractTokenProvider):
    """Gets tokens by client id and secret (RFC 6749, section 4.4), and keeps each for four fifths of its life.

    One serves all clients of a process, whose event loops are several.
    """

    def __init__(
        self, url: str, client_id: str, secret: str, scope: str = "", elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._headers = {
            "Accept": "application/json",
            "Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode(),
        }
        form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
        self._form = urllib.parse.urlencode(form).encode()
        self._elapsed = elapsed
        self._one_at_a_time = threading.Lock()
        self._token, self._until_s = "", float("-inf")

    async def token(self) -> str:
        """A token that is still valid for a while.

        Raises:
            TokenError: the server cannot be reached, refuses, or answers something else.
        """
        return await asyncio.to_thread(self._valid)

    def _valid(self) -> str:
        with self._one_at_a_time:
            if self._elapsed() >= self._until_s:
                asked_s = self._elapsed()
                self._token, lives_s = self._ask()
                self._until_s = asked_s + _USED_SHARE * lives_s
            return self._token

    def _ask(self) -> tuple[str, float]:
        request = urllib.request.Request(self._url, self._form, self._headers)  # noqa: S310 (the setting wants HTTP)
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                told: Any = json.loads(answer.read(_LONGEST_ANSWER))
            token, lives_s = told["access_token"], float(told.get("expires_in", _LIVES_S))
        except urllib.error.HTTPError as error:
            with error:  # it holds the connection
                raise self._none(str(error)) from None
        except OSError as error:
            raise self._none(str(error)) from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise self._none("its answer is no token") from error
        if not isinstance(token, str) or not token or not lives_s > 0.0:
            raise self._none("its answer is no token")
        return token, lives_s

    def _none(self, why: str) -> TokenError:
        return TokenError(f"No token from {self._url} (setting 'sasl_oauth_token_url'): {why}")

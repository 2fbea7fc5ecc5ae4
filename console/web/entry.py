"""Who asks: a key in a header, a session that a key began, or what a trusted proxy says; and whether they may."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from tracehound.console.web.cross_site import check_same_site
from tracehound.console.web.proxies import Proxies
from tracehound.console.web.rates import Rates
from tracehound.console.web.roles import Role, Visitor
from tracehound.console.web.sessions import Sessions
from tracehound.streams.http.keys import CHALLENGE, PREFIX_LENGTH, carried, digest
from tracehound.streams.http.refusal import RequestRefusedError


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key as it is kept. ``expires_at_us``: microseconds since the epoch; None: never."""

    prefix: str
    sha256: str
    role: Role
    expires_at_us: int | None = None


class KnownKeys(Protocol):
    """All keys there are."""

    def remembered(self, prefix: str) -> KnownKey | None:
        """The key that begins so, if it is in memory."""
        ...

    def used(self, prefix: str) -> KnownKey | None:
        """The key that begins so, which is about to be used; may take as long as the store does."""
        ...


class Entry:
    """Lets visitors in.

    Parameters:
        keys: all keys there are.
        sessions: of those who signed in.
        rates: how often may be asked.
        proxies: whom to believe who asks.
        clock: epoch seconds.
    """

    def __init__(
        self, keys: KnownKeys, sessions: Sessions, rates: Rates, proxies: Proxies, clock: Callable[[], float]
    ) -> None:
        self._keys, self._sessions, self._rates, self._proxies, self._clock = keys, sessions, rates, proxies, clock

    async def admit(self, request: Request, role: Role) -> Visitor:
        """Who sent a request that needs this role.

        Raises:
            RequestRefusedError: nobody who is known (401), somebody who may not (403), or too often (429).
        """
        visitor = await self._visitor(request)
        self._rates.take(visitor.name)
        if not visitor.may(role):
            raise RequestRefusedError(
                403, "wrong_role", f"This needs the role '{role}'. {visitor.name} has '{visitor.role}' instead."
            )
        return visitor

    async def by_key(self, request: Request, key: str) -> Visitor:
        """Who has this key.

        Raises:
            RequestRefusedError: nobody (401), or this address was refused too often (429).
        """
        address = self._proxies.address_of(request)
        self._rates.check_address(address)
        prefix = key[:PREFIX_LENGTH]
        known = await self._known(prefix) if prefix.isascii() else None
        fits = hmac.compare_digest(digest(key), known.sha256 if known else digest(""))
        if known is None or not fits or self._is_over(known):
            self._rates.refused(address)
            raise RequestRefusedError(401, "wrong_key", "The key of the request must be known. It is not.", CHALLENGE)
        return Visitor(prefix, known.role, "key")

    async def _visitor(self, request: Request) -> Visitor:
        key = carried(request.headers)
        if key:
            return await self.by_key(request, key)
        by_proxy = self._proxies.visitor_of(request)
        if by_proxy is not None:
            check_same_site(request.method, request.headers)
            return by_proxy
        prefix = self._sessions.key_of(request)
        known = await self._known(prefix) if prefix else None
        if known is not None and not self._is_over(known):
            check_same_site(request.method, request.headers)
            return Visitor(prefix, known.role, "session")
        raise RequestRefusedError(
            401,
            "no_key",
            "The request must carry a key in the header 'Authorization: Bearer' or 'X-API-Key', or be of somebody who "
            "has signed in. Got neither.",
            CHALLENGE,
        )

    async def _known(self, prefix: str) -> KnownKey | None:
        return self._keys.remembered(prefix) or await run_in_threadpool(self._keys.used, prefix)

    def _is_over(self, known: KnownKey) -> bool:
        return known.expires_at_us is not None and known.expires_at_us <= self._clock() * 1e6

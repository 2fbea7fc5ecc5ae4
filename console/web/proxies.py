"""Proxies that sign people in (OpenID Connect) and say who they are in a header: believed where they are named."""

import ipaddress
from collections.abc import Sequence

from starlette.requests import Request

from tracehound.console.web.roles import Role, Visitor
from tracehound.streams.settings.console import ConsoleSettings

_LONGEST = 200


class Proxies:
    """Whom to believe who asks.

    Parameters:
        settings: the addresses of proxies, their header, and who of its people may do what.
    """

    def __init__(self, settings: ConsoleSettings) -> None:
        self._networks = [ipaddress.ip_network(one) for one in names(settings.proxy_addresses)]
        self._header = settings.proxy_user_header
        self._roles: Sequence[tuple[Role, frozenset[str]]] = (
            ("admin", frozenset(names(settings.proxy_admins))),
            ("operator", frozenset(names(settings.proxy_operators))),
        )

    def visitor_of(self, request: Request) -> Visitor | None:
        """Who asks, as a proxy says it; None where none does, or it is not one to be believed."""
        if not self._header or not self._believed(_peer(request)):
            return None
        said = request.headers.getlist(self._header)
        name = said[0].strip() if len(said) == 1 else ""
        if not name or len(name) > _LONGEST or not name.isprintable():
            return None
        role: Role = next((role for role, people in self._roles if name in people), "viewer")
        return Visitor(name, role, "proxy")

    def address_of(self, request: Request) -> str:
        """Where a request comes from: behind a proxy that is believed, what it says."""
        peer = _peer(request)
        if self._believed(peer):
            forwarded = ",".join(request.headers.getlist("x-forwarded-for")).rpartition(",")[2].strip()
            return forwarded[:_LONGEST] or peer
        return peer

    def _believed(self, peer: str) -> bool:
        if not self._networks:
            return False
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._networks)


def names(listed: str) -> list[str]:
    """Names separated by commas, one by one."""
    return [one.strip() for one in listed.split(",") if one.strip()]


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""

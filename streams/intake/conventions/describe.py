"""What a span is about, read from its attributes: conventions old and new, OpenTelemetry's and others'."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from tracehound.schemas.execution import SegmentKind
from tracehound.schemas.spans import Message, SpanKind
from tracehound.streams.intake.conventions.databases import database_of, database_operation, database_peer
from tracehound.streams.intake.conventions.failures import rpc_failed
from tracehound.streams.intake.conventions.messages import is_receive, message_of, messaging_operation, moves_messages
from tracehound.streams.intake.conventions.names import BEYOND_HTTP
from tracehound.streams.intake.conventions.statements import is_statement, summary_of
from tracehound.streams.intake.conventions.texts import (
    NAME_CHARACTERS,
    OPERATION_CHARACTERS,
    Attributes,
    AttributeValue,
    Get,
    status_code,
    text,
)

_CACHES = frozenset(("redis", "memcached", "valkey", "keydb", "dragonfly", "hazelcast", "infinispan", "ehcache"))
_STORES: Mapping[str, SegmentKind] = {
    **dict.fromkeys(("mysql", "mariadb", "postgres", "postgresql", "mongodb", "cassandra", "oracle", "mssql"), "db"),
    **dict.fromkeys(_CACHES, "cache"),
}
"""What Brave and others call the remote endpoint where they say nothing else of a call, and its name after a hyphen."""
_SAYS_NO_MORE = frozenset(
    ("", "HTTP", "MICROSOFT.ASPNETCORE.HOSTING.HTTPREQUESTIN", "SYSTEM.NET.HTTP.HTTPREQUESTOUT")  # .NET's activities
)
_WEB_PORTS = frozenset(("80", "443"))


class Description(NamedTuple):
    """What attributes say of a span; None where they say nothing.

    ``serves``: the span is a server's, whatever the library calls it. ``failed``: so says the result.
    """

    operation: str
    segment: SegmentKind | None = None
    peer: str | None = None
    component: str | None = None
    result: str | int | None = None
    message: Message | None = None
    serves: bool = False
    failed: bool = False


def describe(name: str, kind: SpanKind | None, attributes: Attributes) -> Description:
    """What a span with this name, kind and these attributes is about.

    The attributes go by their concept (``names.by_concept``).

    The operation is the first of these that there is, so that one route or method is always called the same,
    and what holds ids comes last (``normalize_operation`` takes them out later). It is cut to 1000 characters
    and empty only if neither the name nor the attributes say anything.

    - HTTP: method and route (server: ``http.route``, client: ``url.template``); the span's name, unless it says
      no more than the method; method and path without its query; the method. A server's 404 without a route is
      called by its method alone: whoever tries all paths would else make an operation of each.
    - RPC: the name if service and method are in it, else ``service/method``.
    - Database: the name, unless it is empty, says no more than operation, system or database, or is a whole
      statement; the query's summary; verb and table of the statement; operation and collection; operation; system.
    - Messaging, also by way of RPC (AWS): the name, unless it is empty or says no more than what is done; what is done
      and where.
    - GraphQL: the name if the operation's name is in it, else type and name.
    - Everything else: the name; if it is empty, the name of the function (``faas``).

    The segment follows from the attributes, a server's is that of its caller, and a consumer's is None. ``db`` becomes
    ``cache`` for systems such as Redis.

    The peer is whom a client or producer calls, as it reads in "most of the time is in calls to ...": a service
    (``server.service.name``); database and name (``postgresql orders``), or its address where there is no name or
    only a number; messaging system and destination (``kafka orders``); a host, with its port unless that is
    80 or 443; an RPC service instead of a bare IP address. Temporary destinations are left out.

    The result is the HTTP status as a number, else the status of RPC.

    >>> describe("GET", "server", {"method": "GET", "route": "/users/{id}"}).operation
    'GET /users/{id}'
    >>> describe("pg.query:SELECT shop", "client", {"database": "postgresql", "database name": "shop",
    ...     "statement": "SELECT name FROM users WHERE id = 7"})[:3]
    ('SELECT users', 'db', 'postgresql shop')
    >>> describe("Cart.total", "internal", {})
    Description(operation='Cart.total', segment=None, peer=None, component=None, result=None, message=None, \
serves=False, failed=False)
    """
    get = attributes.get
    if not attributes:
        message = message_of(name, kind, get) if kind == "consumer" and is_receive(name, "") else None
        operation = _nameable(name)[:OPERATION_CHARACTERS]
        return Description(operation, "queue" if kind == "producer" else None, message=message)
    calls = kind == "client" or kind == "producer"
    segment: SegmentKind | None = None
    message = None
    result: str | int | None = status_code(get("status"))
    failed = serves = False
    if BEYOND_HTTP.isdisjoint(attributes) and kind != "producer":
        method = text(get("method"))
        if method or result is not None:
            operation = _http_operation(name, kind, method, result, get)
            segment = "http" if calls or kind == "server" else "code" if get("asgi event") else None
            failed = kind == "server" and isinstance(result, int) and result >= 500
        elif name == "request" and get("bare method") and get("bare uri"):
            operation = f"{text(get('bare method'))} {_without_query(text(get('bare uri')))}"
            segment, serves = "http", True
        elif get("rpc status") is not None:
            operation, segment, result = name, "rpc", _rpc_status(get("rpc status"))
            failed = kind == "server" and rpc_failed(result)
        else:
            operation = _other_operation(name, get)
            if get("asgi event"):
                segment = "code"
        peer = _address(get) if calls else ""
    elif system := database_of(get):
        segment = "cache" if system in _CACHES else "db"
        operation = database_operation(name, system, get)
        peer = database_peer(system, _address(get), get) if calls else ""
    elif not get("messaging") and (rpc := text(get("rpc")) or (get("rpc method") and "rpc")):
        operation, segment = _rpc_operation(name, get), "rpc"
        peer = _rpc_peer(str(rpc), get) if calls else ""
        if result is None:
            result = _rpc_status(get("rpc status"))
            failed = kind == "server" and rpc_failed(result)
    else:
        operation = messaging_operation(name, get)
        segment = "code" if kind == "internal" and not moves_messages(name, get) else "queue"
        message = message_of(name, kind, get)
        peer = (message.destination or text(get("messaging")) or _address(get)) if calls and message else ""
    if calls and (service := get("service called")) and not (message and message.destination):
        peer = text(service)
        segment = segment or _STORES.get(peer.casefold().partition("-")[0])
    if kind == "consumer" or (kind == "server" and segment != "http" and segment != "rpc"):
        segment = None
    component = get("component")
    described = (
        operation[:OPERATION_CHARACTERS],
        segment,
        peer[:NAME_CHARACTERS] if peer else None,
        text(component) or None if component else None,
        result,
        message,
        serves,
        failed,
    )
    return tuple.__new__(Description, described)  # (its constructor takes as long as a tenth of all this)


def _nameable(name: str) -> str:
    """The name without blanks around it; a whole statement is summed up."""
    stripped = name.strip() if name[:1].isspace() or name[-1:].isspace() else name
    return summary_of(stripped) if is_statement(stripped) else stripped


def _rpc_status(value: AttributeValue | None) -> str | int | None:
    if value is None or isinstance(value, (bool, float)):
        return None
    shown = str(value)
    return int(shown) if shown.isdecimal() and len(shown) < 10 else shown[:NAME_CHARACTERS] or None


def _http_operation(name: str, kind: SpanKind | None, method: str, result: str | int | None, get: Get) -> str:
    if method == "_OTHER":  # what the conventions call a method that they do not know
        method = "HTTP"
    template = get("route") if kind == "server" else get("url template")
    if template:
        return f"{method} {template}" if method else text(template)
    is_only = name == method or _is_only(name, method)
    if not is_only and result != 404:
        return _with_method(name, method)
    path = _path(get)
    if kind == "server" and result == 404 and path and (is_only or path in name):
        return f"{method or name} {path}" if get("zipkin path") else method or "HTTP"
    if not is_only:
        return _with_method(name, method)
    return f"{method or name} {path}".strip() if path else method or name


def _is_only(name: str, method: str) -> bool:
    """Whether a name says no more than the method."""
    said = name.upper().replace("HTTP/", "HTTP ")
    return said in (method, f"HTTP {method}".rstrip()) or said in _SAYS_NO_MORE


def _with_method(name: str, method: str) -> str:
    """A name that begins with the method in lower case, with it as it is."""
    size = len(method)
    return (
        method + name[size:] if method and name[:size] != method and name[: size + 1].upper() == f"{method} " else name
    )


def _path(get: Get) -> str:
    path = text(get("path"))
    if not path:
        url = _url(get)
        path = (url.path if url else "") or text(get("zipkin path"))
    return _without_query(path)


def _without_query(path: str) -> str:
    return path.partition("?")[0].partition("#")[0]


def _url(get: Get) -> SplitResult | None:
    given = text(get("url"))
    if not given:
        return None
    try:
        return urlsplit(given)
    except ValueError:  # brackets that are no IPv6 address
        return None


def _rpc_operation(name: str, get: Get) -> str:
    service, method = text(get("rpc service")), text(get("rpc method"))
    if not method or (name and method in name and service in name):
        return name or service
    return f"{service}/{method}" if service and "/" not in method else method


def _rpc_peer(system: str, get: Get) -> str:
    address = _address(get)
    service = text(get("rpc service")) or text(get("rpc method")).rpartition("/")[0]
    if system == "aws-api":
        return text(get("function")) or service or address  # the function that is invoked, or what of AWS is called
    if not address or (service and _is_ip(address)):
        return service or system
    return address


def _is_ip(address: str) -> bool:
    return address.startswith("[") or address.replace(".", "").replace(":", "").isdecimal() or address.count(":") > 1


def _address(get: Get) -> str:
    host, port = text(get("address")), text(get("port"))
    if host:
        host = host.strip('"')  # aiokafka's instrumentation writes JSON
    elif url := _url(get):
        host, port = _host_and_port(url)
    else:
        host, port = text(get("network address")), port or text(get("network port"))
    if not host or not port or port in _WEB_PORTS or host.endswith(f":{port}"):
        return host
    return f"[{host}]:{port}" if ":" in host and host[0] != "[" else f"{host}:{port}"


def _host_and_port(url: SplitResult) -> tuple[str, str]:
    try:
        return url.hostname or "", str(url.port or "")
    except ValueError:  # a port that is no number
        return url.hostname or "", ""


def _other_operation(name: str, get: Get) -> str:
    if (query := text(get("graphql name"))) and query not in name:
        return f"{text(get('graphql type')) or 'graphql'} {query}"
    return _nameable(name) or text(get("function"))

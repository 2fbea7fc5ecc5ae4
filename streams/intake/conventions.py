"""What a span is about, read from its attributes by OpenTelemetry's semantic conventions, old and new."""

from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from tracehound.schemas.execution import ExecutionFailure, SegmentKind
from tracehound.schemas.spans import Resource, SpanKind

AttributeValue = str | int | float | bool
Attributes = Mapping[str, AttributeValue]

OPERATION_CHARACTERS = 1_000
NAME_CHARACTERS = 200
MESSAGE_CHARACTERS = 1_000
UNKNOWN_SERVICE = "unknown_service"
"""What OpenTelemetry calls a service that does not say its name."""

SPAN_ATTRIBUTES = frozenset(
    """
    component peer.service error.type
    http.request.method http.method http.route url.template url.path http.target url.full http.url
    http.response.status_code http.status_code
    server.address net.peer.name net.peer.ip server.port net.peer.port
    db.system.name db.system db.operation.name db.operation db.collection.name db.sql.table
    db.query.summary db.query.text db.statement db.namespace db.name
    rpc.system.name rpc.system rpc.service rpc.method rpc.grpc.status_code rpc.response.status_code
    messaging.system messaging.destination.template messaging.destination.name messaging.destination
    messaging.destination.temporary messaging.destination.anonymous
    messaging.operation.name messaging.operation.type messaging.operation
    faas.invoked_name faas.name faas.trigger
    graphql.operation.name graphql.operation.type
    """.split()  # noqa: SIM905 (a line for each convention is easier to read than one for each name)
)
"""The attributes of spans that ``describe`` looks at; others need not be decoded."""

RESOURCE_ATTRIBUTES = frozenset(
    """
    service.name service.version deployment.environment.name deployment.environment
    host.name k8s.pod.name service.instance.id
    """.split()  # noqa: SIM905 (a line for each convention is easier to read than one for each name)
)
"""The attributes of resources that ``resource_of`` looks at."""

EXCEPTION_ATTRIBUTES = frozenset(("exception.type", "exception.message"))
"""The attributes of the event ``exception`` that ``failure_of`` looks at."""

_CACHES = frozenset(("redis", "memcached", "valkey", "keydb", "dragonfly", "hazelcast", "infinispan", "ehcache"))
_WEB_PORTS = frozenset(("80", "443"))
_DATABASE = frozenset(
    """
    db.system.name db.system db.operation.name db.operation db.query.summary db.query.text db.statement
    """.split()  # noqa: SIM905 (the same)
)
_BEYOND_HTTP = _DATABASE | {"rpc.system.name", "rpc.system", "rpc.method", "messaging.system"}
_Get = Callable[[str], AttributeValue | None]


class Description(NamedTuple):
    """What attributes say of a span; None where they say nothing."""

    operation: str
    segment: SegmentKind | None = None
    peer: str | None = None
    component: str | None = None
    result: str | int | None = None


def describe(name: str, kind: SpanKind | None, attributes: Attributes) -> Description:
    """What a span with this name, kind and these attributes is about.

    Both generations of names are understood (``http.request.method`` and ``http.method``); the new wins.

    The operation is the first of these that there is, so that one route or method is always called the same,
    and what holds ids comes last (``normalize_operation`` takes them out later). It is cut to 1000 characters
    and empty only if neither the name nor the attributes say anything.

    - HTTP: method and route (server: ``http.route``, client: ``url.template``); the span's name, unless it says
      no more than the method; method and path without its query; the method.
    - RPC: the name if service and method are in it, else ``service/method``.
    - Database: the name, unless it is empty or says no more than operation, system or database; the query's
      summary; operation and collection; operation; system.
    - Messaging: the name, unless it is empty or says no more than what is done; what is done and where.
    - GraphQL: the name if the operation's name is in it, else type and name.
    - Everything else: the name; if it is empty, the name of the function (``faas``).

    The segment follows from the attributes and is None for servers and consumers. ``db`` becomes ``cache`` for
    systems such as Redis.

    The peer is whom a client or producer calls, as it reads in "most of the time is in calls to ...": a service
    (``peer.service``); database and name (``postgresql orders``), or its address where there is no name or
    only a number; messaging system and destination (``kafka orders``); a host, with its port unless that is
    80 or 443; an RPC service instead of a bare IP address. Temporary destinations are left out.

    The result is the HTTP status as a number, else the status of RPC.

    >>> describe("GET", "server", {"http.request.method": "GET", "http.route": "/users/{id}"}).operation
    'GET /users/{id}'
    >>> describe("SELECT", "client", {"db.system": "postgresql", "db.name": "orders", "db.sql.table": "item"})
    Description(operation='SELECT item', segment='db', peer='postgresql orders', component=None, result=None)
    >>> describe("Cart.total", "internal", {})
    Description(operation='Cart.total', segment=None, peer=None, component=None, result=None)
    """
    if not attributes:
        return Description(name[:OPERATION_CHARACTERS], "queue" if kind == "producer" else None)
    get = attributes.get
    calls = kind in ("client", "producer")
    segment: SegmentKind | None = None
    result: str | int | None = _status_code(get("http.response.status_code", get("http.status_code")))
    if _BEYOND_HTTP.isdisjoint(attributes) and kind != "producer":
        method = get("http.request.method") or get("http.method")
        if method is None and result is None:
            operation = _other_operation(name, get)
        else:
            operation = _http_operation(name, kind, _text(method), get)
            segment = "http" if kind == "client" else None
        peer = _address(get) if calls else ""
    else:
        operation, segment, peer = _call(name, calls, get)
        if result is None:
            result = _rpc_status(get)
    if calls and (service := get("peer.service")):
        peer = _text(service)
    return Description(
        operation[:OPERATION_CHARACTERS],
        None if kind == "server" or kind == "consumer" else segment,
        peer[:NAME_CHARACTERS] if peer else None,
        _text(get("component")) or None,
        result,
    )


def _call(name: str, calls: bool, get: _Get) -> tuple[str, SegmentKind, str]:
    """Operation, segment and peer of what is no mere HTTP."""
    if system := _database(get):
        segment: SegmentKind = "cache" if system in _CACHES else "db"
        return _database_operation(name, system, get), segment, _database_peer(system, get) if calls else ""
    if rpc := _first(get, "rpc.system.name", "rpc.system") or (get("rpc.method") and "rpc"):
        return _rpc_operation(name, get), "rpc", _rpc_peer(str(rpc), get) if calls else ""
    return _messaging_operation(name, get), "queue", _messaging_peer(get) if calls else ""


def _text(value: AttributeValue | None) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else str(value)


def _first(get: _Get, *names: str) -> str:
    for name in names:
        value = get(name)
        if value is not None and value != "":
            return _text(value)
    return ""


def _status_code(value: AttributeValue | None) -> int | None:
    if value is None:
        return None
    try:
        code = int(value)
    except (ValueError, OverflowError):
        return None
    return code if 0 < code < 1_000 else None


def _rpc_status(get: _Get) -> str | int | None:
    value = get("rpc.grpc.status_code")
    if value is None:
        value = get("rpc.response.status_code")
    if value is None or isinstance(value, (bool, float)):
        return None
    text = str(value)
    return int(text) if text.isdecimal() and len(text) < 10 else text[:NAME_CHARACTERS] or None


def _http_operation(name: str, kind: SpanKind | None, method: str, get: _Get) -> str:
    if method == "_OTHER":  # what the conventions call a method that they do not know
        method = "HTTP"
    template = _text(get("http.route") if kind == "server" else get("url.template"))
    if template:
        return f"{method} {template}" if method else template
    if name and name.upper() not in (method.upper(), f"HTTP {method}".upper().rstrip(), "HTTP"):
        return name
    path = _path(get)
    return f"{method or name} {path}".strip() if path else name or method


def _path(get: _Get) -> str:
    path = _first(get, "url.path", "http.target")
    if not path:
        url = _url(get)
        path = url.path if url else ""
    return path.partition("?")[0].partition("#")[0]


def _url(get: _Get) -> SplitResult | None:
    text = _first(get, "url.full", "http.url")
    if not text:
        return None
    try:
        return urlsplit(text)
    except ValueError:  # brackets that are no IPv6 address
        return None


def _database(get: _Get) -> str:
    return _first(get, "db.system.name", "db.system") or ("database" if _first(get, *_DATABASE) else "")


def _database_operation(name: str, system: str, get: _Get) -> str:
    verb = _first(get, "db.operation.name", "db.operation")
    namespace = _first(get, "db.namespace", "db.name")
    bare = not name or name in (verb, system, namespace) or (name.isupper() and name.isalpha())
    if not bare:
        return name
    collection = _first(get, "db.collection.name", "db.sql.table")
    verb = verb or (name if name not in (system, namespace) else "")
    return _text(get("db.query.summary")) or f"{verb} {collection}".strip() or name or namespace or system


def _database_peer(system: str, get: _Get) -> str:
    namespace = _first(get, "db.namespace", "db.name")
    where = namespace if namespace and not namespace.isdecimal() else _address(get)
    return f"{system} {where}" if where else system


def _rpc_operation(name: str, get: _Get) -> str:
    service, method = _text(get("rpc.service")), _text(get("rpc.method"))
    if not method or (name and method in name and service in name):
        return name or service
    return f"{service}/{method}" if service and "/" not in method else method


def _rpc_peer(system: str, get: _Get) -> str:
    address = _address(get)
    service = _text(get("rpc.service")) or _text(get("rpc.method")).rpartition("/")[0]
    if not address or (service and _is_ip(address)):
        return service or system
    return address


def _is_ip(address: str) -> bool:
    return address.startswith("[") or address.replace(".", "").replace(":", "").isdecimal() or address.count(":") > 1


def _destination(get: _Get) -> str:
    template = _text(get("messaging.destination.template"))
    if template or get("messaging.destination.temporary") is True or get("messaging.destination.anonymous") is True:
        return template
    return _first(get, "messaging.destination.name", "messaging.destination")


def _messaging_operation(name: str, get: _Get) -> str:
    doing = _first(get, "messaging.operation.name", "messaging.operation.type", "messaging.operation")
    if name and name != doing:
        return name
    return f"{doing} {_destination(get)}".strip() or _text(get("messaging.system"))


def _messaging_peer(get: _Get) -> str:
    return f"{_text(get('messaging.system'))} {_destination(get)}".strip() or _address(get)


def _address(get: _Get) -> str:
    host = _first(get, "server.address", "net.peer.name", "net.peer.ip")
    if host:
        port = _first(get, "server.port", "net.peer.port")
    else:
        url = _url(get)
        host, port = _host_and_port(url) if url else ("", "")
    if not host or not port or port in _WEB_PORTS or host.endswith(f":{port}"):
        return host
    return f"[{host}]:{port}" if ":" in host and host[0] != "[" else f"{host}:{port}"


def _host_and_port(url: SplitResult) -> tuple[str, str]:
    try:
        return url.hostname or "", str(url.port or "")
    except ValueError:  # a port that is no number
        return url.hostname or "", ""


def _other_operation(name: str, get: _Get) -> str:
    if (query := _text(get("graphql.operation.name"))) and query not in name:
        return f"{_text(get('graphql.operation.type')) or 'graphql'} {query}"
    return name or _first(get, "faas.invoked_name", "faas.name", "faas.trigger")


def is_failed(kind: SpanKind | None, status_code: int, result: str | int | None) -> int | None:
    """Whether the span failed: 1 for the status ERROR (2), 0 for OK (1), None for UNSET.

    Without a status a server's HTTP status of 500 or more is a failure as well, as the conventions want it.

    >>> is_failed("server", 0, 503), is_failed("client", 0, 503), is_failed("server", 1, 503)
    (1, None, 0)
    """
    if status_code == 2:
        return 1
    if status_code == 1:
        return 0
    return 1 if kind == "server" and isinstance(result, int) and 500 <= result < 600 else None


def failure_of(
    is_error: int | None, status_message: str, error_type: AttributeValue | None, exception: Attributes | None
) -> ExecutionFailure | None:
    """The error of a span, None if it neither failed nor recorded an exception.

    ``exception`` are the attributes of the span's last event ``exception``; what it leaves open the status
    message and ``error.type`` tell. An exception of a span that has not failed was handled. The type is cut to
    200 characters, the message to 1000. A failed span that says nothing of its error has none.
    """
    if exception is None and is_error != 1:
        return None
    told = exception or {}
    kind = _text(told.get("exception.type")) or _text(error_type)
    message = _text(told.get("exception.message")) or status_message
    if exception is None and not kind and not message:
        return None
    return ExecutionFailure(kind[:NAME_CHARACTERS], message[:MESSAGE_CHARACTERS], is_error != 1)


def resource_of(attributes: Attributes) -> Resource:
    """The resource with these attributes; every name is cut to 200 characters.

    A service without a name is ``unknown_service``. The host is the first of ``host.name``, ``k8s.pod.name``
    and ``service.instance.id`` that there is.

    >>> resource_of({"service.name": "shop", "deployment.environment": "live", "k8s.pod.name": "shop-0"})
    Resource(service='shop', environment='live', version='', host='shop-0')
    """
    get = attributes.get
    return Resource(
        _first(get, "service.name")[:NAME_CHARACTERS] or UNKNOWN_SERVICE,
        _first(get, "deployment.environment.name", "deployment.environment")[:NAME_CHARACTERS],
        _first(get, "service.version")[:NAME_CHARACTERS],
        _first(get, "host.name", "k8s.pod.name", "service.instance.id")[:NAME_CHARACTERS],
    )

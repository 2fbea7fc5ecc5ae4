"""The kind of a segment where no attribute tells it: guessed from the span's name and its library."""

import re
from functools import lru_cache

from tracehound.schemas.execution import SegmentKind
from tracehound.schemas.spans import Span

_DB = re.compile(
    r"^(select|insert|update|delete|merge|replace|upsert|begin|commit|rollback)\b|^sql\.|^(mongo|mysql|postgres|jdbc|h2/)"
    r"|repository\b|^transaction\.|^session\.(find|merge|persist)",
    re.IGNORECASE,
)
_CACHE = re.compile(r"redis|memcache|^cache\b", re.IGNORECASE)
_QUEUE = re.compile(
    r"rabbit|kafka|amqp|activemq|rocketmq|/(queue|topic)/|\b(send|publish|receive|process)$", re.IGNORECASE
)
_ASGI = re.compile(r"\b(http|websocket) (send|receive)$")  # of a piece of a request or response
_DB_COMPONENT = re.compile(r"mongo|jdbc|mysql|postgres|mariadb|sqlite|cassandra|oracle|sqlserver", re.IGNORECASE)
_VIEW = re.compile(r"\b(render|template|view)\b", re.IGNORECASE)
_RPC = re.compile(r"^grpc\b|^/?[A-Za-z_][\w.]*\.[A-Z]\w*/\w+$")
_METHOD = re.compile(r"^(get|post|put|patch|delete|head|options) /", re.IGNORECASE)
_HTTP = re.compile(
    r"^https?\b|^(get|post|put|patch|delete|head|options) /|^\{(get|post|put|patch|delete|head)\}|^/",
    re.IGNORECASE,
)


@lru_cache(maxsize=50_000)
def segment_kind(operation: str, component: str | None = None, remote: bool = False) -> SegmentKind:
    """The kind of a segment, guessed from the span's name, the library and whether it calls a service.

    >>> segment_kind("SELECT ts.trip"), segment_kind("HTTP POST", remote=True), segment_kind("Cart.total")
    ('db', 'http', 'code')
    >>> segment_kind("hipstershop.CartService/GetCart", remote=True), segment_kind("GET /users/{id} http send")
    ('rpc', 'code')
    """
    library = component or ""
    patterns: tuple[tuple[SegmentKind, bool], ...] = (
        ("code", bool(_ASGI.search(operation))),
        ("cache", bool(_CACHE.search(operation) or _CACHE.search(library))),
        ("queue", bool(_QUEUE.search(operation) or _QUEUE.search(library))),
        ("http", bool(_METHOD.match(operation))),
        ("db", not remote and bool(_DB.search(operation) or _DB_COMPONENT.search(library))),
        ("rpc", bool(_RPC.search(operation) or "grpc" in library.lower()) and remote),
        ("http", bool(_HTTP.search(operation)) or remote),
        ("view", bool(_VIEW.search(operation))),
    )
    return next((kind for kind, fits in patterns if fits), "code")


def kind_of(span: Span, remote: bool = False) -> SegmentKind:
    """The kind of segment that a span makes, as its attributes tell, or guessed."""
    return span.segment or segment_kind(span.operation, span.component, remote)

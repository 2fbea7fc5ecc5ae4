"""What spans are about, with the attributes that instrumentation libraries of both generations write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.schemas.execution import ExecutionFailure
from tracehound.schemas.spans import Resource, SpanKind
from tracehound.streams.intake.conventions import (
    SPAN_ATTRIBUTES,
    Attributes,
    AttributeValue,
    Description,
    describe,
    failure_of,
    is_failed,
    resource_of,
)

Case = tuple[str, SpanKind | None, dict[str, AttributeValue], Description]

CASES: dict[str, Case] = {
    "nothing known": ("Cart.total", None, {}, Description("Cart.total")),
    "nothing known of a client": ("call", "client", {"component": "net"}, Description("call", component="net")),
    "a producer without attributes": ("send", "producer", {}, Description("send", "queue")),
    "server, new names": (
        "GET",
        "server",
        {"http.request.method": "GET", "http.route": "/users/{id}", "http.response.status_code": 200},
        Description("GET /users/{id}", result=200),
    ),
    "server, old names": (
        "/users/{id}",
        "server",
        {"http.method": "GET", "http.route": "/users/{id}", "http.status_code": "404"},
        Description("GET /users/{id}", result=404),
    ),
    "server named by its handler": ("hello", "server", {"http.method": "GET"}, Description("hello")),
    "server named by its method": (
        "HTTP GET",
        "server",
        {"http.method": "GET", "http.target": "/users?page=2"},
        Description("GET /users"),
    ),
    "server without a name": ("", "server", {"http.method": "GET"}, Description("GET")),
    "server of an unknown method": (
        "HTTP",
        "server",
        {"http.request.method": "_OTHER", "http.route": "/dav"},
        Description("HTTP /dav"),
    ),
    "client with a template": (
        "GET",
        "client",
        {"http.request.method": "GET", "url.template": "/users/{id}", "server.address": "shop", "server.port": 8080},
        Description("GET /users/{id}", "http", "shop:8080"),
    ),
    "client with a URL only": (
        "GET",
        "client",
        {"http.method": "GET", "http.url": "https://pay.example:443/charge/7?x=1#y"},
        Description("GET /charge/7", "http", "pay.example"),
    ),
    "client with a broken URL": (
        "GET",
        "client",
        {"http.method": "GET", "http.url": "http://[::1/x"},
        Description("GET", "http"),
    ),
    "client with a broken port": (
        "GET",
        "client",
        {"http.method": "GET", "http.url": "http://shop:port/x"},
        Description("GET /x", "http", "shop"),
    ),
    "client of IPv6": (
        "GET /a",
        "client",
        {"http.method": "GET", "server.address": "::1", "server.port": 81},
        Description("GET /a", "http", "[::1]:81"),
    ),
    "client that knows the service": (
        "GET /a",
        "client",
        {"http.method": "GET", "peer.service": "cart", "server.address": "10.0.0.7"},
        Description("GET /a", "http", "cart"),
    ),
    "database, old names": (
        "SELECT orders.item",
        "client",
        {"db.system": "mysql", "db.name": "orders", "db.operation": "SELECT", "net.peer.name": "db-1"},
        Description("SELECT orders.item", "db", "mysql orders"),
    ),
    "database, new names": (
        "SELECT",
        "client",
        {"db.system.name": "postgresql", "db.namespace": "orders", "db.collection.name": "item"},
        Description("SELECT item", "db", "postgresql orders"),
    ),
    "database with a summary": (
        "orders",
        "client",
        {"db.system.name": "postgresql", "db.namespace": "orders", "db.query.summary": "SELECT item; INSERT log"},
        Description("SELECT item; INSERT log", "db", "postgresql orders"),
    ),
    "database within the process": (
        "SELECT",
        "internal",
        {"db.system": "sqlite", "db.statement": "SELECT 1"},
        Description("SELECT", "db"),
    ),
    "database of no system": ("q", "client", {"db.statement": "SELECT 1"}, Description("q", "db", "database")),
    "cache": (
        "GET",
        "client",
        {"db.system": "redis", "db.name": "0", "server.address": "cache", "server.port": 6379},
        Description("GET", "cache", "redis cache:6379"),
    ),
    "search engine over HTTP": (
        "search",
        "client",
        {"db.system": "elasticsearch", "http.request.method": "POST", "http.response.status_code": 200},
        Description("search", "db", "elasticsearch", result=200),
    ),
    "rpc client": (
        "shop.Cart/Get",
        "client",
        {
            "rpc.system": "grpc",
            "rpc.service": "shop.Cart",
            "rpc.method": "Get",
            "rpc.grpc.status_code": 0,
            "net.peer.name": "cart",
            "net.peer.port": 50051,
        },
        Description("shop.Cart/Get", "rpc", "cart:50051", result=0),
    ),
    "rpc client of an address": (
        "Get",
        "client",
        {"rpc.system.name": "grpc", "rpc.method": "shop.Cart/Get", "server.address": "10.0.0.7"},
        Description("shop.Cart/Get", "rpc", "shop.Cart"),
    ),
    "rpc server": (
        "Get",
        "server",
        {"rpc.system": "grpc", "rpc.service": "shop.Cart", "rpc.method": "Get", "rpc.response.status_code": "OK"},
        Description("shop.Cart/Get", result="OK"),
    ),
    "another rpc": (
        "S3.GetObject",
        "client",
        {"rpc.system": "aws-api", "rpc.service": "S3", "rpc.method": "GetObject"},
        Description("S3.GetObject", "rpc", "S3"),
    ),
    "producer": (
        "orders publish",
        "producer",
        {"messaging.system": "kafka", "messaging.destination.name": "orders"},
        Description("orders publish", "queue", "kafka orders"),
    ),
    "producer named by what it does": (
        "send",
        "producer",
        {"messaging.system": "rabbitmq", "messaging.destination": "jobs", "messaging.operation.name": "send"},
        Description("send jobs", "queue", "rabbitmq jobs"),
    ),
    "producer to a temporary destination": (
        "reply",
        "producer",
        {
            "messaging.system": "rabbitmq",
            "messaging.destination.name": "amq.gen-JzTY20BRgKO",
            "messaging.destination.temporary": True,
        },
        Description("reply", "queue", "rabbitmq"),
    ),
    "consumer": ("process orders", "consumer", {"messaging.system": "kafka"}, Description("process orders")),
    "function": ("", "server", {"faas.name": "resize"}, Description("resize")),
    "GraphQL": (
        "query",
        "server",
        {"graphql.operation.name": "Cart", "graphql.operation.type": "query"},
        Description("query Cart"),
    ),
    "a status that is none": ("a", "server", {"http.status_code": "many"}, Description("a")),
    "another status that is none": ("a", "server", {"http.status_code": float("inf")}, Description("a")),
    "names of another type": ("a", "server", {"http.method": 7, "http.route": True}, Description("7 True")),
}


@pytest.mark.parametrize(("name", "kind", "attributes", "expected"), CASES.values(), ids=CASES)
def test_what_a_span_is_about(
    name: str, kind: SpanKind | None, attributes: dict[str, AttributeValue], expected: Description
) -> None:
    assert set(attributes) <= SPAN_ATTRIBUTES
    assert describe(name, kind, attributes) == expected


KINDS: tuple[SpanKind | None, ...] = (None, "internal", "server", "client", "producer", "consumer")
VALUES = st.one_of(st.text(max_size=20), st.integers(), st.booleans(), st.floats(), st.just("http://[" + "x" * 2_000))


@given(
    st.text(max_size=1_200),
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from(sorted(SPAN_ATTRIBUTES)), VALUES),
)
def test_every_value_of_every_attribute_is_borne(name: str, kind: SpanKind | None, attributes: Attributes) -> None:
    described = describe(name, kind, attributes)

    assert described.operation or not name
    assert len(described.operation) <= 1_000
    assert described.peer is None or (0 < len(described.peer) <= 200 and kind in ("client", "producer"))
    assert described.segment is None or kind not in ("server", "consumer")


@given(st.text(min_size=1, max_size=1_000), st.sampled_from(KINDS))
def test_a_span_without_attributes_keeps_its_name(name: str, kind: SpanKind | None) -> None:
    assert describe(name, kind, {}) == Description(name, "queue" if kind == "producer" else None)


def test_a_failure_is_told_by_status_or_a_servers_http_status() -> None:
    assert [is_failed("client", code, 200) for code in (0, 1, 2, 3)] == [None, 0, 1, None]
    assert [is_failed("server", 0, result) for result in (499, 500, 599, "500", None)] == [None, 1, 1, None, None]


def test_an_exception_tells_more_than_the_status() -> None:
    exception = {"exception.type": "KeyError", "exception.message": "'x'"}

    assert failure_of(1, "failed", "500", exception) == ExecutionFailure("KeyError", "'x'")
    assert failure_of(1, "failed", "500", {}) == ExecutionFailure("500", "failed")
    assert failure_of(1, "failed", "500", None) == ExecutionFailure("500", "failed")


def test_an_exception_of_a_span_that_has_not_failed_was_handled() -> None:
    assert failure_of(None, "", None, {"exception.type": "KeyError"}) == ExecutionFailure("KeyError", "", True)
    assert failure_of(0, "", None, {"exception.type": "KeyError"}) == ExecutionFailure("KeyError", "", True)


def test_without_failure_or_words_for_it_there_is_no_error() -> None:
    assert failure_of(None, "fine", "500", None) is None
    assert failure_of(1, "", None, None) is None


def test_long_errors_are_cut() -> None:
    error = failure_of(1, "m" * 5_000, "t" * 5_000, None)

    assert error == ExecutionFailure("t" * 200, "m" * 1_000)


def test_a_resource_has_names_of_both_generations_and_the_first_host_there_is() -> None:
    named: dict[str, AttributeValue] = {
        "service.name": "shop",
        "service.version": 3,
        "deployment.environment": "old",
        "deployment.environment.name": "live",
        "k8s.pod.name": "pod",
        "service.instance.id": "instance",
    }

    assert resource_of(named) == Resource("shop", "live", "3", "pod")
    assert resource_of({**named, "host.name": "host"}).host == "host"
    assert resource_of({}) == resource_of({"service.name": ""}) == Resource("unknown_service")
    assert resource_of({"service.name": "s" * 300}) == Resource("s" * 200)

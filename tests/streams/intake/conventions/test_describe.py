"""What spans are about, with the attributes that instrumentation libraries of both generations write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.schemas.spans import Message, SpanKind
from tracehound.streams.intake.conventions.describe import Description, describe
from tracehound.streams.intake.conventions.names import CONCEPTS, SPAN_ATTRIBUTES, by_concept
from tracehound.streams.intake.conventions.texts import Attributes, AttributeValue

Case = tuple[str, SpanKind | None, dict[str, AttributeValue], Description]

CASES: dict[str, Case] = {
    "nothing known": ("Cart.total", None, {}, Description("Cart.total")),
    "nothing known of a client": ("call", "client", {"component": "net"}, Description("call", component="net")),
    "a producer without attributes": ("send", "producer", {}, Description("send", "queue")),
    "server, new names": (
        "GET",
        "server",
        {"http.request.method": "GET", "http.route": "/users/{id}", "http.response.status_code": 200},
        Description("GET /users/{id}", "http", result=200),
    ),
    "server, old names": (
        "/users/{id}",
        "server",
        {"http.method": "GET", "http.route": "/users/{id}", "http.status_code": "404"},
        Description("GET /users/{id}", "http", result=404),
    ),
    "server named by its handler": ("hello", "server", {"http.method": "GET"}, Description("hello", "http")),
    "server named by its method": (
        "HTTP GET",
        "server",
        {"http.method": "GET", "http.target": "/users?page=2"},
        Description("GET /users", "http"),
    ),
    "server without a name": ("", "server", {"http.method": "GET"}, Description("GET", "http")),
    "server of an unknown method": (
        "HTTP",
        "server",
        {"http.request.method": "_OTHER", "http.route": "/dav"},
        Description("HTTP /dav", "http"),
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
        Description("shop.Cart/Get", "rpc", result="OK"),
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
        Description("orders publish", "queue", "kafka orders", message=Message("kafka orders", does="send")),
    ),
    "producer named by what it does": (
        "send",
        "producer",
        {"messaging.system": "rabbitmq", "messaging.destination": "jobs", "messaging.operation.name": "send"},
        Description("send jobs", "queue", "rabbitmq jobs", message=Message("rabbitmq jobs", does="send")),
    ),
    "producer to a temporary destination": (
        "reply",
        "producer",
        {
            "messaging.system": "rabbitmq",
            "messaging.destination.name": "amq.gen-JzTY20BRgKO",
            "messaging.destination.temporary": True,
        },
        Description("reply", "queue", "rabbitmq", message=Message(does="send")),
    ),
    "consumer": (
        "process orders",
        "consumer",
        {"messaging.system": "kafka"},
        Description("process orders", message=Message()),
    ),
    "consumer of a group that waits": (
        "orders receive",
        "consumer",
        {
            "messaging.system": "kafka",
            "messaging.destination.name": "orders",
            "messaging.operation.type": "receive",
            "messaging.consumer.group.name": "billing",
        },
        Description("orders receive", message=Message("kafka orders", "billing", "receive")),
    ),
    "client that polls": (
        "poll orders",
        "client",
        {"messaging.system": "kafka", "messaging.destination.name": "orders", "messaging.operation.name": "poll"},
        Description("poll orders", "queue", "kafka orders", message=Message("kafka orders", does="receive")),
    ),
    "consumer that says nothing but its name": (
        "recv",
        "consumer",
        {},
        Description("recv", message=Message("", "", "receive")),
    ),
    "Brave's producer": (
        "send",
        "producer",
        {"kafka.topic": "orders", "service.peer.name": "kafka"},
        Description("send", "queue", "kafka orders", message=Message("kafka orders", "", "send", True)),
    ),
    "producer that knows no destination": (
        "send",
        "producer",
        {"messaging.system": "kafka", "peer.service": "billing"},
        Description("send", "queue", "billing", message=Message(does="send")),
    ),
    "consumer of a queue that RabbitMQ named": (
        "process amq.gen-JzTY20BRgKO",
        "consumer",
        {"messaging.system": "rabbitmq", "messaging.destination.name": "amq.gen-JzTY20BRgKO"},
        Description("process {generated}", message=Message()),
    ),
    "server that finds nothing": (
        "GET",
        "server",
        {"http.request.method": "GET", "url.path": "/wp-login.php", "http.response.status_code": 404},
        Description("GET", "http", result=404),
    ),
    "server that finds nothing, named by its path": (
        "GET /wp-login.php",
        "server",
        {"http.method": "GET", "http.target": "/wp-login.php?x", "http.status_code": 404},
        Description("GET", "http", result=404),
    ),
    "server that finds nothing for its route": (
        "GET /users/{id}",
        "server",
        {"http.method": "GET", "http.target": "/users/7", "http.status_code": 404},
        Description("GET /users/{id}", "http", result=404),
    ),
    "Brave's server, where a path is all there is": (
        "GET",
        "server",
        {"http.method": "GET", "http.path": "/stock/missing", "http.status_code": "404"},
        Description("GET /stock/missing", "http", result=404),
    ),
    "server that fails": (
        "GET",
        "server",
        {"http.request.method": "GET", "url.path": "/a", "http.response.status_code": 503},
        Description("GET /a", "http", result=503, failed=True),
    ),
    "client told a failure": (
        "GET",
        "client",
        {"http.request.method": "GET", "url.path": "/a", "http.response.status_code": 503},
        Description("GET /a", "http", result=503),
    ),
    "name in lower case": ("get /users", "server", {"http.method": "GET"}, Description("GET /users", "http")),
    "tower-http's layer": (
        "request",
        "internal",
        {"method": "GET", "uri": "/users/7?x=1", "version": "HTTP/1.1"},
        Description("GET /users/7", "http", serves=True),
    ),
    "a piece of FastAPI's response": (
        "GET /users/{id} http send",
        "internal",
        {"asgi.event.type": "http.response.start", "http.status_code": 200},
        Description("GET /users/{id} http send", "code", result=200),
    ),
    "database whose name is that of the database": (
        "pg.query:SELECT shop",
        "client",
        {
            "db.system.name": "postgresql",
            "db.namespace": "shop",
            "db.query.text": "SELECT id FROM users WHERE id = $1",
        },
        Description("SELECT users", "db", "postgresql shop"),
    ),
    "database in a file": (
        "select /var/data/shop.db",
        "client",
        {
            "db.system": "sqlite",
            "db.name": "/var/data/shop.db",
            "db.operation": "select /var/data/shop.db",
            "db.statement": "select name from users where id = ?",
        },
        Description("SELECT users", "db", "sqlite /var/data/shop.db"),
    ),
    "database that connects": (
        "connect",
        "client",
        {"db.system": "sqlite", "db.name": "shop.db"},
        Description("connect", "db", "sqlite shop.db"),
    ),
    "database whose name is the statement": (
        "SELECT * FROM users WHERE mail = 'a@b.example'",
        "client",
        {"db.system": "mysql", "db.name": "shop"},
        Description("SELECT users", "db", "mysql shop"),
    ),
    "Brave's database": (
        "query",
        "client",
        {"sql.query": "select * from orders where id = ?", "peer.service": "OrdersDB"},
        Description("SELECT orders", "db", "OrdersDB"),
    ),
    "OpenTracing's database": (
        "query",
        "client",
        {"db.type": "sql", "db.instance": "shop", "db.statement": "SELECT * FROM item", "peer.service": "postgres"},
        Description("query", "db", "postgres"),
    ),
    "a statement as a name": (
        "\n  SELECT *\n  FROM t WHERE id = 8231",
        "client",
        {},
        Description("SELECT t"),
    ),
    "the newest name of the callee": (
        "GET /a",
        "client",
        {
            "http.request.method": "GET",
            "server.service.name": "stock",
            "service.peer.name": "old",
            "peer.service": "older",
            "server.address": "10.0.0.7",
        },
        Description("GET /a", "http", "stock"),
    ),
    "an address in JSON": (
        "orders send",
        "producer",
        {"messaging.system": "kafka", "server.address": '"127.0.0.1:9092"'},
        Description("orders send", "queue", "kafka", message=Message(does="send")),
    ),
    "rpc server that failed": (
        "shop.Cart/Get",
        "server",
        {"rpc.system": "grpc", "rpc.service": "shop.Cart", "rpc.method": "Get", "rpc.grpc.status_code": 13},
        Description("shop.Cart/Get", "rpc", result=13, failed=True),
    ),
    "function": ("", "server", {"faas.name": "resize"}, Description("resize")),
    "GraphQL": (
        "query",
        "server",
        {"graphql.operation.name": "Cart", "graphql.operation.type": "query"},
        Description("query Cart"),
    ),
    "a status that is none": ("a", "server", {"http.status_code": "many"}, Description("a")),
    "another status that is none": ("a", "server", {"http.status_code": float("inf")}, Description("a")),
    "names of another type": ("a", "server", {"http.method": 7, "http.route": True}, Description("7 True", "http")),
}


@pytest.mark.parametrize(("name", "kind", "attributes", "expected"), CASES.values(), ids=CASES)
def test_what_a_span_is_about(
    name: str, kind: SpanKind | None, attributes: dict[str, AttributeValue], expected: Description
) -> None:
    assert set(attributes) <= SPAN_ATTRIBUTES | {"version"}
    assert describe(name, kind, by_concept(attributes)) == expected


KINDS: tuple[SpanKind | None, ...] = (None, "internal", "server", "client", "producer", "consumer")
VALUES = st.one_of(st.text(max_size=20), st.integers(), st.booleans(), st.floats(), st.just("http://[" + "x" * 2_000))


@given(
    st.text(max_size=1_200),
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from(sorted(SPAN_ATTRIBUTES)), VALUES),
)
def test_every_value_of_every_attribute_is_borne(name: str, kind: SpanKind | None, attributes: Attributes) -> None:
    described = describe(name, kind, by_concept(attributes))

    assert described.operation or not name.strip()
    assert len(described.operation) <= 1_000
    assert described.peer is None or (0 < len(described.peer) <= 200 and kind in ("client", "producer"))
    assert described.segment is None or kind != "consumer"
    assert kind != "server" or described.segment in (None, "http", "rpc")


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=1_000), st.sampled_from(KINDS))
def test_a_span_without_attributes_keeps_its_name(name: str, kind: SpanKind | None) -> None:
    described = describe(name, kind, {})

    assert described[:2] == (name, "queue" if kind == "producer" else None)


def test_of_names_that_say_the_same_the_newest_with_a_value_counts() -> None:
    for concept, names in CONCEPTS.items():
        for first in range(len(names)):
            given = {name: f"{place}" for place, name in enumerate(names) if place >= first}
            assert by_concept(given) == {concept: str(first)}
            assert by_concept(dict(reversed(given.items()))) == {concept: str(first)}
            assert by_concept({**given, names[first]: ""})[concept] == (
                str(first + 1) if first + 1 < len(names) else ""
            )

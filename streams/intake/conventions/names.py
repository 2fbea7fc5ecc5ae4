"""The names of attributes that are read, by what they say: today's first, then those of earlier conventions.

Attributes go by these *concepts* from the decoders on: of names that say the same, the first with a value counts.
Names with a dot are OpenTelemetry's unless a comment says whose they are.

Source: https://opentelemetry.io/docs/specs/semconv/ (1.45.0 and what it deprecates), Brave's and Micrometer's tags, and
https://github.com/opentracing/specification/blob/master/semantic_conventions.md.
"""

from collections.abc import Iterable, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Final

from tracehound.streams.intake.conventions.texts import AttributeValue

Names = tuple[str, ...]

VERSION: Final = "1.45.0"
"""The semantic conventions whose names come first."""

CONCEPTS: Final[Mapping[str, Names]] = {
    # --- calls of any kind
    "service called": ("server.service.name", "service.peer.name", "peer.service"),
    "address": (
        "server.address",
        "net.peer.name",
        "net.peer.ip",
        "peer.hostname",  # OpenTracing
        "peer.address",  # OpenTracing
        "peer.ipv4",  # OpenTracing
        "http.host",
    ),
    "port": ("server.port", "net.peer.port", "peer.port"),
    "network address": ("network.peer.address", "net.sock.peer.addr"),  # beside the address as a rule
    "network port": ("network.peer.port", "net.sock.peer.port"),
    "error type": ("error.type",),
    "error": ("error",),  # OpenTracing, Zipkin
    "component": ("component",),  # OpenTracing
    # --- HTTP
    "method": ("http.request.method", "http.method"),
    "route": ("http.route",),
    "url template": ("url.template",),
    "path": ("url.path", "http.target"),
    "zipkin path": ("http.path",),  # Brave; it names what no route matches, so the path is all there is to say
    "url": ("url.full", "http.url"),
    "status": ("http.response.status_code", "http.status_code"),
    "bare method": ("method",),  # tower-http, Micrometer
    "bare uri": ("uri",),  # tower-http, Micrometer
    "asgi event": ("asgi.event.type",),  # of the spans that only pass a piece of a request or response on
    # --- databases
    "database": ("db.system.name", "db.system", "db.type"),  # the last is OpenTracing's
    "database operation": ("db.operation.name", "db.operation"),
    "collection": (
        "db.collection.name",
        "db.sql.table",
        "db.mongodb.collection",
        "db.cassandra.table",
        "db.elasticsearch.path_parts.index",
    ),
    "database name": ("db.namespace", "db.name", "db.instance"),  # the last is OpenTracing's
    "query summary": ("db.query.summary",),
    "statement": ("db.query.text", "db.statement"),
    "brave statement": ("sql.query", "jdbc.query[0]"),  # Brave
    # --- RPC
    "rpc": ("rpc.system.name", "rpc.system"),
    "rpc service": ("rpc.service",),
    "rpc method": ("rpc.method",),
    "rpc status": (
        "rpc.response.status_code",
        "rpc.status_code",
        "rpc.grpc.status_code",
        "rpc.connect_rpc.error_code",
        "grpc.status_code",
    ),  # the last is Brave's
    # --- messages
    "messaging": ("messaging.system.name", "messaging.system"),
    "destination template": ("messaging.destination.template",),
    "destination": ("messaging.destination.name", "messaging.destination", "messaging.source.name"),
    "routing key": ("messaging.rabbitmq.destination.routing_key", "messaging.rabbitmq.routing_key"),
    "temporary destination": ("messaging.destination.temporary",),
    "anonymous destination": ("messaging.destination.anonymous",),
    "message bus destination": ("message_bus.destination",),  # OpenTracing
    "kafka topic": ("kafka.topic",),  # Brave
    "rabbit queue": ("rabbit.queue", "rabbit.exchange"),  # Brave
    "jms queue": ("jms.queue", "jms.topic"),  # Brave
    "messaging operation name": ("messaging.operation.name",),
    "messaging operation type": ("messaging.operation.type",),
    "messaging operation": ("messaging.operation",),
    "group": (
        "messaging.consumer.group.name",
        "messaging.kafka.consumer.group",
        "messaging.rocketmq.client_group",
        "messaging.eventhubs.consumer.group",
        "messaging.kafka.consumer_group",
        "messaging.destination.subscription.name",
        "messaging.servicebus.destination.subscription_name",
    ),
    "queue time": (
        "kafka.record.queue_time_ms",  # OpenTelemetry's Java agent, with its experimental attributes
        "messaging.message.receive.latency",  # Sentry
        "transmission.latency",  # SkyWalking
    ),
    "queued at": (  # epoch seconds
        "azure.servicebus.message.enqueued_time",
        "azure.eventhubs.message.enqueued_time",
        "messaging.servicebus.message.enqueued_time",
        "messaging.eventhubs.message.enqueued_time",
    ),
    # --- sampling
    "sampling probability": ("sampling.probability", "sampling.ratio"),
    "sample rate": ("SampleRate", "sampleRate"),  # Honeycomb
    "sampler type": ("sampler.type",),  # Jaeger
    "sampler parameter": ("sampler.param",),  # Jaeger
    "tail sampling": ("tailsampling.policy", "tailsampling.composite_policy"),  # the Collector's processor
    # --- others
    "function": ("faas.invoked_name", "faas.name", "faas.trigger"),
    "graphql name": ("graphql.operation.name",),
    "graphql type": ("graphql.operation.type",),
}
"""Names by what they say."""

DATABASE: Final = frozenset(
    ("database", "database operation", "query summary", "statement", "brave statement"),
)
"""Any of them makes the span that of a database."""
FOREIGN_DESTINATIONS: Final = {
    "message bus destination": "",
    "kafka topic": "kafka",
    "rabbit queue": "rabbitmq",
    "jms queue": "jms",
}
"""Destinations by other conventions, and the system, where that tells it."""
BEYOND_HTTP: Final = DATABASE | {"messaging", "destination", *FOREIGN_DESTINATIONS, "rpc", "rpc method"}
"""Any of them makes the span more than HTTP."""

Spelling = Mapping[str, tuple[str, int]]
"""By name its concept, and its place among the names of that."""


def spelling_of(concepts: Mapping[str, Names]) -> Spelling:
    """The names of concepts, each with its concept and place."""
    return {name: (concept, place) for concept, names in concepts.items() for place, name in enumerate(names)}


def as_they_are(names: Iterable[str]) -> Spelling:
    """Names that go by themselves."""
    return {name: (name, 0) for name in names}


SPELLING: Final = spelling_of(CONCEPTS)
SPAN_ATTRIBUTES: Final = frozenset(SPELLING)
"""The attributes of spans that are looked at; others need not be decoded."""


def by_concept(attributes: Mapping[str, AttributeValue], spelling: Spelling = SPELLING) -> dict[str, AttributeValue]:
    """Attributes by what they say: the first name that has a value, the first of all where none has.

    >>> by_concept({"http.method": "GET", "http.request.method": "", "other": 1})
    {'method': 'GET'}
    """
    found: dict[str, AttributeValue] = {}
    ranks: dict[str, tuple[bool, int]] = {}
    for name, value in attributes.items():
        spelled = spelling.get(name)
        if spelled is None:
            continue
        concept, place = spelled
        rank = (value == "", place)
        if concept not in ranks or rank < ranks[concept]:
            ranks[concept] = rank
            found[concept] = value
    return found


# --- of the event of an exception, and of resources

EXCEPTION_TYPE, EXCEPTION_MESSAGE = "exception.type", "exception.message"
EXCEPTION_ATTRIBUTES: Final = frozenset((EXCEPTION_TYPE, EXCEPTION_MESSAGE))
"""The attributes of the event ``exception`` that are looked at."""

SERVICE: Final = "service.name"
SERVICE_NAMESPACE: Final = "service.namespace"
SERVICE_VERSION: Final = "service.version"
ENVIRONMENT: Final[Names] = ("deployment.environment.name", "deployment.environment")
HOST: Final[Names] = ("host.name", "k8s.pod.name", "service.instance.id", "hostname")  # the last is Jaeger's
PLACES: Final[Mapping[str, Names]] = MappingProxyType(
    {
        "zone": ("cloud.availability_zone", "cloud.zone"),
        "region": ("cloud.region",),
        "cluster": ("k8s.cluster.name",),
        "node": ("k8s.node.name",),
    }
)
"""Where a service runs, beside its host, which executions that deviate may have in common; by the attribute of an
execution that says it (with a `name` in its own it would be left out as one of a person)."""
RESOURCE_ATTRIBUTES: Final = frozenset(
    (SERVICE, SERVICE_NAMESPACE, SERVICE_VERSION, *ENVIRONMENT, *HOST, *chain.from_iterable(PLACES.values()))
)
"""The attributes of resources that are looked at."""

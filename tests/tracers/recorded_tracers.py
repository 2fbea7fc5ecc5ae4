"""The tracers whose records are kept as cases: what each wrote, and what of it is known to be lost, by whose fault."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Recorded:
    """A tracer as it was recorded; ``lost`` says what, and why."""

    name: str
    version: str
    registry: str
    writes: str
    cases: tuple[str, ...]
    lost: Mapping[str, str] = field(default_factory=dict)


RECORDED = (
    Recorded(
        *("OpenTelemetry for Node: Express 5, Fastify 5, pg, kafkajs", "0.82.0", "npm", "OTLP Protobuf"),
        ("sdk-node/express-fastify.pb", "sdk-node/kafkajs.pb", "sdk-node/kafkajs-batch.pb"),
        {
            "the order of segments that began in one millisecond": "the SDK: its times of start are whole milliseconds",
            "routes of Fastify": "no instrumentation of Fastify 5 comes with it; the operation is the method",
        },
    ),
    Recorded(
        *("OpenTelemetry for Python: FastAPI, Celery, gRPC, clients of Kafka", "0.66b1", "PyPI", "OTLP Protobuf"),
        ("sdk-python/fastapi-httpx-celery.pb", "sdk-python/grpc.pb", "sdk-python/kafka-clients.pb"),
        {
            "what aiokafka's and kafka-python's consumers do with a message": "their instrumentations: the work is in "
            "traces of its own, and the consumer is done when it has received"
        },
    ),
    Recorded(
        *("OpenTelemetry for Go: otelhttp, otelgrpc", "0.72.0", "Go", "OTLP Protobuf"),
        ("sdk-go/otelhttp-otelgrpc.pb",),
        {"the operation of a handler that panicked": "otelhttp: its span has no route, only the method"},
    ),
    Recorded(
        *("Brave with servlet, OkHttp and kafka-clients", "6.3.1", "Maven", "Zipkin JSON", ("zipkin-brave",)),
        {"spans without an end": "they were flushed, and their end never reported: left out and counted"},
    ),
    Recorded(
        *("the same, encoding PROTO3", "6.3.1", "Maven", "Zipkin Protobuf", ("zipkin-brave-proto3",)),
        {"durations of 0": "the format: 0 looks like none there; a consumer's is taken as 0, others as unfinished"},
    ),
    Recorded("Spring Boot, Micrometer Tracing on Brave", "4.0.7", "Maven", "Zipkin JSON", ("zipkin-spring-boot",)),
    Recorded(
        *("zipkin for Node, zipkin-transport-kafka", "0.22.0", "npm", "Zipkin JSON", ("zipkin-js",)),
        {"all that it writes by default": "the transport: Thrift of version 1, told by its name; set JSON_V2"},
    ),
    Recorded(
        *("Jaeger's collector, version 1", "1.76.0", "Go", "Jaeger Protobuf", ("jaeger-v1-protobuf", "silent-empty")),
        {"kinds of spans": "OpenTracing's clients that set no span.kind: such spans are inner ones"},
    ),
    Recorded(
        *("SkyWalking's agent for Java", "9.3.0", "Maven", "SkyWalking", ("skywalking-java",)),
        {
            "what is shorter than a millisecond": "the format: times are whole milliseconds",
            "traces beyond SkyWalking": "its ids are its own: they join with no other tracer's",
        },
    ),
    Recorded(
        *("OpenTelemetry Collector, from Zipkin", "0.165.1", "Go", "OTLP JSON"),
        ("brave-through-collector", "shared-ids-otlp"),
        {"which of two spans with one id is shared": "the Collector drops the flag; kinds and services tell"},
    ),
)

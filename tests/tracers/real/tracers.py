"""The tracers that are really run: how each is installed and started, and what of the scene is known to be lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

_VENV = (
    "python3 -m venv .venv && .venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt"
)
_NPM = "npm install --silent --no-audit --no-fund"
_GO = "go build -o app ."
_CARGO = "cargo build --locked --quiet && mv target/debug/app app && rm -r target"
_MAVEN = "mvn --quiet --batch-mode dependency:copy-dependencies -DoutputDirectory=lib && javac -cp 'lib/*' App.java"


@dataclass(frozen=True, slots=True)
class Tracer:
    """A tracer as it is run: from which registry, what it writes, and how.

    ``topic`` is where it writes, if it reports to Kafka by itself and not over HTTP. ``lost`` are questions of
    ``understood`` that are answered with no, each with why and by whose fault.
    """

    name: str
    version: str
    registry: str
    writes: str
    program: str
    install: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    topic: str = ""
    lost: Mapping[str, str] = field(default_factory=dict)


_JAVA = ("java", "-cp", "lib/*:.", "App")

TRACERS = (
    Tracer(
        *(
            "OpenTelemetry for Node, register",
            "0.82.0",
            "npm",
            "OTLP Protobuf",
            "opentelemetry-node",
            _NPM,
        ),
        ("node", "--require", "@opentelemetry/auto-instrumentations-node/register", "app.cjs"),
        {"OTEL_NODE_RESOURCE_DETECTORS": "env"},
    ),
    Tracer(
        *("OpenTelemetry for Python, distro with Flask and requests", "0.66b1", "PyPI", "OTLP Protobuf"),
        *("opentelemetry-python", _VENV, (".venv/bin/opentelemetry-instrument", ".venv/bin/python", "app.py")),
    ),
    Tracer(
        *("OpenTelemetry for Go, otelhttp", "0.72.0", "Go", "OTLP Protobuf", "opentelemetry-go", _GO, ("./app",)),
    ),
    Tracer(
        *("OpenTelemetry's agent for Java", "2.33.1", "Maven", "OTLP Protobuf", "opentelemetry-java", _MAVEN),
        ("java", "-javaagent:lib/opentelemetry-javaagent-2.33.1.jar", "-cp", ".", "App"),
        {"OTEL_RESOURCE_DISABLED_KEYS": "host.name,process.command_args,process.command_line,process.executable.path"},
        lost={"operations are routes": "the JDK's own server has contexts (`/carts/`), and no routes"},
    ),
    Tracer(
        *("tracing-opentelemetry for Rust, tower-http's TraceLayer", "0.34.0", "crates.io", "OTLP Protobuf"),
        *("opentelemetry-rust", _CARGO, ("./app",)),
    ),
    Tracer(
        *("axum-tracing-opentelemetry for Rust", "0.42.1", "crates.io", "OTLP Protobuf"),
        *("opentelemetry-rust", _CARGO, ("./app",)),
        {"LAYER": "axum-tracing-opentelemetry"},
    ),
    Tracer(
        *("Brave", "6.3.1", "Maven", "Zipkin JSON", "brave", _MAVEN, _JAVA),
    ),
    Tracer(
        *("Brave, encoding PROTO3", "6.3.1", "Maven", "Zipkin Protobuf", "brave", _MAVEN, _JAVA),
        {"ENCODING": "PROTO3"},
    ),
    Tracer(*("zipkin-go", "0.4.3", "Go", "Zipkin JSON", "zipkin-go", _GO, ("./app",))),
    Tracer(
        *("zipkin for Node", "0.22.0", "npm", "Zipkin JSON", "zipkin-js", _NPM, ("node", "app.cjs")),
        lost={"operations are routes": "its instrumentation: `get /carts/:id`, with no tag that says the method"},
    ),
    Tracer(*("py_zipkin", "1.2.8", "PyPI", "Zipkin JSON", "py-zipkin", _VENV, (".venv/bin/python", "app.py"))),
    Tracer(
        *("py_zipkin, encoding V2_PROTO3", "1.2.8", "PyPI", "Zipkin Protobuf", "py-zipkin", _VENV),
        (".venv/bin/python", "app.py"),
        {"ENCODING": "V2_PROTO3"},
    ),
    Tracer(
        *("SkyWalking's agent for Python", "1.2.0", "PyPI", "SkyWalking", "skywalking-python", _VENV),
        (".venv/bin/python", "app.py"),
        topic="skywalking-segments",
    ),
)

INSPECTOR = (
    Tracer("Inspector for Node", "1.9.21", "npm", "Inspector", "inspector-node", _NPM, ("node", "app.cjs")),
    Tracer(
        *("Inspector for Python", "0.2.0", "PyPI", "Inspector", "inspector-python", _VENV),
        (".venv/bin/python", "app.py"),
    ),
    Tracer(
        *("Inspector for Python, async", "0.2.0", "PyPI", "Inspector", "inspector-python", _VENV),
        (".venv/bin/python", "app.py"),
        {"TRANSPORT": "async"},
    ),
)
"""Clients that are no tracers: they send executions, each for itself, over HTTP."""

REPORTING = tuple(
    tracer
    for tracer in TRACERS
    if tracer.program in ("opentelemetry-node", "opentelemetry-java", "opentelemetry-python", "zipkin-js", "brave")
    and "ENCODING" not in tracer.environment
)
"""Those whose slow call is followed to an anomaly: SDKs of OpenTelemetry, and Zipkin's reporters."""
TRANSACTIONS = tuple(
    replace(client, command=(*client.command[:-1], f"slow{Path(client.command[-1]).suffix}"))
    for client in INSPECTOR
    if not client.environment
)
"""Inspector's clients as they report transactions until they are told to be slow."""

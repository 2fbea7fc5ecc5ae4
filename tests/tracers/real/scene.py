"""One scene that every tracer plays: the shop calls the stock twice, once in vain; and what a person expects of it."""

import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.tracers.real.capture import Capture
from tests.tracers.real.kafka_capture import KafkaCapture
from tracehound.infra.kafka.ports import free_ports
from tracehound.schemas.execution import Execution
from tracehound.schemas.operations import normalize_operation
from tracehound.schemas.spans import TraceChunk
from tracehound.streams.intake.assembly.assemble import assemble
from tracehound.streams.intake.formats.decode import SpanLimits, decode_spans

_PARAMETER = re.compile(r"\{\w+\}|<\w+>|:\w+")
_START_S, _REPORT_S = 60.0, 30.0
CARTS = ("7", "0")
"""The second has nothing in stock, which answers 500."""


@contextmanager
def running(command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> Iterator[None]:
    """A program for as long as the block, which says what it has to say in ``log``."""
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment}, stdout=written, stderr=written
        )
    try:
        yield
    finally:
        process.kill()  # (Node's register takes SIGTERM for itself)
        process.wait()


def _get(url: str, until: float) -> int:
    while True:
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                status: int = answer.status
                return status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def wait_for(port: int, until: float) -> None:
    """Until somebody listens; a request would be told by the tracer, with its error."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def play(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], logs: Path, topic: str = ""
) -> list[bytes]:
    """Run the shop and the stock, and give what they reported: as many bodies as it took until all was told.

    Parameters:
        command: starts either, by the variables ROLE, PORT, STOCK (where that is) and CAPTURE (where to report to).
        topic: where the tracer writes to Kafka by itself; CAPTURE is the broker then.
    """
    stock, shop = free_ports(2)
    with ExitStack() as stack:
        capture: Capture | KafkaCapture
        capture = stack.enter_context(KafkaCapture(topic)) if topic else stack.enter_context(Capture())
        for role, port in (("stock", stock), ("shop", shop)):
            given = {
                **environment,
                "ROLE": role,
                "PORT": str(port),
                "STOCK": f"http://127.0.0.1:{stock}",
                "CAPTURE": capture.url,
                "OTEL_SERVICE_NAME": role,
                "OTEL_EXPORTER_OTLP_ENDPOINT": capture.url,
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_BSP_SCHEDULE_DELAY": "300",
                "OTEL_METRICS_EXPORTER": "none",
                "OTEL_LOGS_EXPORTER": "none",
            }
            stack.enter_context(running(command, folder, given, logs / f"{role}.log"))
        until = time.monotonic() + _START_S
        wait_for(stock, until)
        statuses = [_get(f"http://127.0.0.1:{shop}/carts/{cart}", until) for cart in CARTS]
        assert statuses == [200, 500]
        until = time.monotonic() + _REPORT_S
        while time.monotonic() < until and len(executions_of(capture.values)) < 2 * len(CARTS):
            time.sleep(0.2)
        return list(capture.values)


def executions_of(values: Sequence[bytes]) -> list[Execution]:
    """The executions of the scene in what was reported, by start."""
    traces: dict[str, list[TraceChunk]] = {}
    for value in list(values):
        for trace_id, chunk in decode_spans(value, SpanLimits()).traces.items():
            traces.setdefault(trace_id, []).append(chunk)
    made = [one for trace_id, chunks in traces.items() for one in assemble(trace_id, chunks).executions]
    return sorted(made, key=lambda one: (one.started_s, one.application))


def understood(values: Sequence[bytes]) -> dict[str, bool]:
    """What of the scene is understood, by what a person would ask."""
    made = executions_of(values)
    shop = [one for one in made if one.application == "shop"]
    stock = [one for one in made if one.application == "stock"]
    calls = [segment for one in shop for segment in one.segments if segment.peer == "stock"]
    names = {_PARAMETER.sub("{id}", normalize_operation(one.operation)) for one in (*shop, *stock)}
    return {
        "nothing is refused": not any(decode_spans(value, SpanLimits()).rejected for value in values),
        "each request is one execution": (len(shop), len(stock)) == (2, 2),
        "operations are routes": names == {"GET /carts/{id}", "GET /items/{id}"},
        "both sides are one call": len(calls) == 2 and all(one.remote_ms is not None for one in calls),
        "failures are seen": [one.failed for one in shop] == [one.failed for one in stock] == [False, True],
    }

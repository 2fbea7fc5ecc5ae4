"""Applications that report to a gateway, one of which is made to call another slowly; and what is then told of it."""

import json
import os
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.end_to_end.conftest import Field, Gateway, WorkerProcess, wait_until_within
from tests.end_to_end.otel.link import Link
from tests.tracers.real.install import installed
from tests.tracers.real.scene import running, wait_for
from tests.tracers.real.tracers import Tracer
from tracehound.infra.kafka.ports import free_ports

LEARNED = 400
"""Executions of an application that are usual: by then its models are no longer young."""
DELAY_S = 0.25
_VISITORS = 3
_WAIT_S = 180.0


@dataclass(frozen=True, slots=True)
class Tracehound:
    """The processes that turn what applications report into anomalies: all on one broker."""

    field: Field
    door: Gateway
    scoring: WorkerProcess

    def learned(self, application: str) -> float:
        """How many executions of the application were scored."""
        counts = self.scoring.counts("application_executions_total")
        return sum(count for labels, count in counts.items() if f'application="{application}"' in labels)

    def wait_until_learned(self, application: str) -> None:
        """Until enough of the application is usual."""
        wait_until_within(lambda: self.learned(application) >= LEARNED, f"{application} was learned", _WAIT_S)

    def told(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first anomaly that is wanted."""
        found: list[dict[str, Any]] = []

        def among(messages: list[Any]) -> bool:
            found[:] = filter(wanted, (json.loads(message.value())["data"] for message in messages))
            return bool(found)

        self.field.read(self.field.topics.anomalies.name, among, _WAIT_S)
        return found[0]


def reporting_to(door: Gateway, grpc: bool) -> dict[str, str]:
    """What an operator tells an SDK of OpenTelemetry by its environment."""
    address, protocol = (door.grpc_address, "grpc") if grpc else (door.address, "http/protobuf")
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{address}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_BSP_SCHEDULE_DELAY": "300",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "NO_PROXY": "127.0.0.1",
    }


@contextmanager
def visited(url: str) -> Iterator[None]:
    """Visitors who each ask again as soon as they are answered."""
    ended, failures = threading.Event(), list[Exception]()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def visit() -> None:
        try:
            while not ended.wait(0.01):
                opener.open(f"{url}/carts/7", timeout=30).close()
        except OSError as error:
            failures.append(error)

    visitors = [threading.Thread(target=visit) for _ in range(_VISITORS)]
    for visitor in visitors:
        visitor.start()
    try:
        yield
    finally:
        ended.set()
        for visitor in visitors:
            visitor.join()
    assert failures == []


@contextmanager
def shop_and_stock(tracer: Tracer, tracehound: Tracehound, logs: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """Both applications under traffic, the shop exporting over HTTP and the stock over gRPC where the tracer can.

    Gives the name of the shop, and what makes its calls slow.
    """
    folder = installed(tracer)
    shop, stock = (f"{tracer.program}-{role}" for role in ("shop", "stock"))
    shop_port, stock_port = free_ports(2)

    def told(name: str, port: int, grpc: bool, calls: str = "") -> Mapping[str, str]:
        own = {"ROLE": name, "PORT": str(port), "STOCK": calls, "OTEL_SERVICE_NAME": name}
        capture = {"CAPTURE": f"http://{tracehound.door.address}"}
        return {**reporting_to(tracehound.door, grpc), **tracer.environment, **own, **capture}

    with running(tracer.command, folder, told(stock, stock_port, grpc=True), logs / "stock.log"):
        until = time.monotonic() + _WAIT_S
        wait_for(stock_port, until)
        with Link(stock_port) as link:
            environment = told(shop, shop_port, grpc=False, calls=link.url)
            with running(tracer.command, folder, environment, logs / "shop.log"):
                wait_for(shop_port, until)
                with visited(f"http://127.0.0.1:{shop_port}"):
                    yield shop, lambda: link.delay(DELAY_S)


@contextmanager
def transactions(client: Tracer, environment: Mapping[str, str]) -> Iterator[Callable[[], None]]:
    """A client of Inspector that reports usual transactions until it is told, and slow ones from then on."""
    process = subprocess.Popen(
        client.command,
        cwd=installed(client),
        env={**os.environ, **client.environment, **environment},
        stdin=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    lines = process.stdin

    def slow() -> None:
        lines.write("slow\n")
        lines.flush()

    try:
        yield slow
    finally:
        process.kill()
        process.communicate()

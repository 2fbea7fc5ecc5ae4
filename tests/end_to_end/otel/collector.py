"""Stands in for an OpenTelemetry Collector with a receiver of OTLP over HTTP and an exporter to Kafka."""

import base64
import gzip
import itertools
import json
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Self

from confluent_kafka import Producer
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_IDS = ("traceId", "spanId", "parentSpanId")


def as_protobuf(body: bytes) -> bytes:
    """``otlp_proto``: a request to export is, on the wire, the ``TracesData`` that the exporter writes."""
    return body


def as_json(body: bytes) -> bytes:
    """``otlp_json``: protobuf's JSON with numbers for enums, and ids as hexadecimal digits."""
    return json.dumps(_with_hexadecimal_ids(_jsonable(body))).encode()


def as_json_of_protobuf(body: bytes) -> bytes:
    """Plain JSON of protobuf, with ids in base64 and names for enums, as some exporters write it."""
    request = ExportTraceServiceRequest.FromString(body)
    return json.dumps(MessageToDict(request)).encode()


ENCODINGS: tuple[Callable[[bytes], bytes], ...] = (as_protobuf, as_json, as_json_of_protobuf)


def _jsonable(body: bytes) -> Any:
    return MessageToDict(ExportTraceServiceRequest.FromString(body), use_integers_for_enums=True)


def _with_hexadecimal_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: base64.b64decode(inner).hex() if name in _IDS else _with_hexadecimal_ids(inner)
            for name, inner in value.items()
        }
    return [_with_hexadecimal_ids(inner) for inner in value] if isinstance(value, list) else value


class _Handler(BaseHTTPRequestHandler):
    server: "Collector"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path == "/v1/traces":
            self.server.export(body)
        self.send_response(200 if self.path == "/v1/traces" else 404)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of each request."""


class Collector(ThreadingHTTPServer):
    """Takes traces on a free port of loopback, and writes each request to a topic, in one encoding after the other."""

    daemon_threads = True

    def __init__(self, client_config: Mapping[str, Any], topic: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.exported = 0
        self._topic = topic
        self._encodings = itertools.cycle(ENCODINGS)
        self._lock = Lock()
        self._producer = Producer({**client_config, "linger.ms": 5})
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})

    def export(self, body: bytes) -> None:
        with self._lock:
            encode = next(self._encodings)
            self._producer.produce(self._topic, encode(body))
            self._producer.poll(0)
            self.exported += 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()
        assert self._producer.flush(120) == 0

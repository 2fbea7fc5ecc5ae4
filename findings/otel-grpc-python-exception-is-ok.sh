#!/usr/bin/env bash
# A gRPC handler in Python that raises is recorded as status 0 (OK) by the server, and as UNKNOWN by its client.
#
# version:  opentelemetry-instrumentation-grpc 0.66b1, grpcio 1.85.3
# expected: the server's span has rpc.grpc.status_code 2 (UNKNOWN), which is what it answers, and status ERROR.
# is:       the server's span says rpc.grpc.status_code 0 and UNSET; only its two events "exception" tell. A service
#           that fails on every call has an error rate of zero by its own spans.
# seen:     client: StatusCode.UNKNOWN, span ERROR, rpc.grpc.status_code 2
#           server: span UNSET, rpc.grpc.status_code 0, 2 events
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
timeout 300 "$work/venv/bin/pip" install -q --no-compile opentelemetry-sdk==1.45.1 \
  opentelemetry-instrumentation-grpc==0.66b1 grpcio==1.85.3
timeout 60 "$work/venv/bin/python" - <<'PY'
import logging
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
from opentelemetry import trace
from opentelemetry.instrumentation.grpc import GrpcInstrumentorClient, GrpcInstrumentorServer
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

logging.disable()  # grpc logs the traceback
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
GrpcInstrumentorServer().instrument()
GrpcInstrumentorClient().instrument()


class Stock(grpc.GenericRpcHandler):
    def service(self, details):
        def get(request, context):
            raise ValueError("no such item")

        return grpc.unary_unary_rpc_method_handler(get)


server = grpc.server(ThreadPoolExecutor(1), handlers=(Stock(),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
channel = grpc.insecure_channel(f"127.0.0.1:{port}")
try:
    channel.unary_unary("/shop.Stock/Get")(b"")
    answer = None
except grpc.RpcError as error:
    answer = error.code()
server.stop(0).wait()

told = {}
for span in exporter.get_finished_spans():
    told[span.kind] = span.status.status_code.name, span.attributes["rpc.grpc.status_code"], len(span.events)
client, server_side = told[SpanKind.CLIENT], told[SpanKind.SERVER]
print(f"client: {answer}, span {client[0]}, rpc.grpc.status_code {client[1]}")
print("server: span %s, rpc.grpc.status_code %d, %d events" % server_side)
sys.exit(0 if client[:2] == ("ERROR", 2) and server_side[:2] == ("UNSET", 0) else 1)
PY

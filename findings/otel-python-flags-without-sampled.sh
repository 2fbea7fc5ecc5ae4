#!/usr/bin/env bash
# OpenTelemetry for Python exports sampled spans with flags that do not say "sampled".
#
# version:  opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http 1.45.1
# expected: the lowest eight bits of Span.flags in OTLP are the W3C trace flags, so a sampled span, and no other is
#           exported, has 0x101 here (bit 0: sampled; bit 8: it is known whether the parent is remote).
# is:       only bits 8 and 9 are written. The context of the span itself says sampled, the wire does not; a reader that
#           keeps what is sampled drops every span of a Python service.
# seen:     the span's context: sampled True; flags on the wire: 0x100
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
timeout 300 "$work/venv/bin/pip" install -q --no-compile \
  opentelemetry-sdk==1.45.1 opentelemetry-exporter-otlp-proto-http==1.45.1
timeout 60 "$work/venv/bin/python" - <<'PY'
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

requests = []


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        requests.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
provider = TracerProvider()
exporter = OTLPSpanExporter(endpoint=f"http://127.0.0.1:{server.server_port}/v1/traces")
provider.add_span_processor(SimpleSpanProcessor(exporter))
with provider.get_tracer("finding").start_as_current_span("GET /cart") as span:
    sampled = span.get_span_context().trace_flags.sampled
flags = requests[0].resource_spans[0].scope_spans[0].spans[0].flags
print(f"the span's context: sampled {sampled}; flags on the wire: {flags:#x}")
sys.exit(0 if sampled and not flags & 1 else 1)
PY

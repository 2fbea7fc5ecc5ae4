#!/usr/bin/env bash
# OpenTelemetry's exporter for Python believes REQUESTS_CA_BUNDLE more than the certificate that it is given.
#
# version:  opentelemetry-exporter-otlp-proto-http 1.45.1 (-grpc for comparison), requests 2.34.2
# expected: certificate_file (OTEL_EXPORTER_OTLP_CERTIFICATE) decides about the server of traces; REQUESTS_CA_BUNDLE is
#           for those who say nothing.
# is:       where REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE is set, as in many images and company networks, it wins: the
#           certificate of the exporter is passed over, every export fails as "self-signed certificate" and is dropped
#           after some attempts. The exporter over gRPC goes by its own. (requests: what a session says about
#           verifying gives way to the environment; what a request says does not.)
# seen:     http, without the variable: SUCCESS
#           http, with REQUESTS_CA_BUNDLE: FAILURE
#           grpc, with REQUESTS_CA_BUNDLE: SUCCESS
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
timeout 300 venv/bin/pip install -q --no-compile opentelemetry-sdk==1.45.1 requests==2.34.2 certifi==2026.10.18 \
  opentelemetry-exporter-otlp-proto-http==1.45.1 opentelemetry-exporter-otlp-proto-grpc==1.45.1
timeout 60 openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
  -keyout key.pem -out certificate.pem 2> openssl.log

timeout 120 venv/bin/python - <<'PY'
import logging
import os
import ssl
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer

import certifi
import grpc
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as OverGrpc
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as OverHttp
from opentelemetry.sdk.trace import TracerProvider

logging.disable()
for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
    os.environ.pop(variable, None)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Quiet(HTTPServer):
    def handle_error(self, *_):
        pass


class Service(grpc.GenericRpcHandler):
    def service(self, _):
        return grpc.unary_unary_rpc_method_handler(lambda _request, _context: b"")


context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain("certificate.pem", "key.pem")
server = Quiet(("127.0.0.1", 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
certificate = open("certificate.pem", "rb").read()
calls = grpc.server(ThreadPoolExecutor(2), handlers=[Service()])
port = calls.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(open("key.pem", "rb").read(), certificate)]))
calls.start()
span = TracerProvider().get_tracer("shop").start_span("GET /cart")
span.end()


def over_http():
    url = f"https://localhost:{server.server_port}/v1/traces"
    return OverHttp(endpoint=url, certificate_file="certificate.pem", timeout=3).export([span]).name


def over_grpc():
    credentials = grpc.ssl_channel_credentials(certificate)
    return OverGrpc(endpoint=f"localhost:{port}", credentials=credentials, timeout=10).export([span]).name


without = over_http()
os.environ["REQUESTS_CA_BUNDLE"] = certifi.where()
overruled, other = over_http(), over_grpc()
print(f"http, without the variable: {without}")
print(f"http, with REQUESTS_CA_BUNDLE: {overruled}")
print(f"grpc, with REQUESTS_CA_BUNDLE: {other}")
sys.stdout.flush()
calls.stop(0)
os._exit(0 if (without, overruled, other) == ("SUCCESS", "FAILURE", "SUCCESS") else 1)
PY

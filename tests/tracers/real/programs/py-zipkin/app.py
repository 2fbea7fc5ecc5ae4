"""The standard library's HTTP server with py_zipkin, by its own functions."""

import os
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from py_zipkin import Encoding, Kind
from py_zipkin.request_helpers import create_http_headers, extract_zipkin_attrs_from_headers
from py_zipkin.transport import BaseTransportHandler
from py_zipkin.zipkin import zipkin_span

ENCODING = Encoding[os.environ.get("ENCODING", "V2_JSON")]


class Transport(BaseTransportHandler):
    def get_max_payload_bytes(self):
        return None

    def send(self, payload):
        body = payload if isinstance(payload, bytes) else payload.encode()
        urllib.request.urlopen(f"{os.environ['CAPTURE']}/api/v2/spans", body).close()


def call(url):
    with zipkin_span(os.environ["ROLE"], "GET /items/{id}", kind=Kind.CLIENT, encoding=ENCODING) as span:
        span.add_sa_binary_annotation(int(url.split(":")[2].split("/")[0]), "stock", "127.0.0.1")
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=create_http_headers())) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            span.update_binary_annotations({"error": str(error.code)})
            return error.code


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        what, _, number = self.path[1:].partition("/")
        given = extract_zipkin_attrs_from_headers(self.headers)
        with zipkin_span(
            os.environ["ROLE"],
            f"GET /{what}/{{id}}",
            zipkin_attrs=given,
            kind=Kind.SERVER,
            transport_handler=Transport(),
            sample_rate=None if given else 100.0,
            port=int(os.environ["PORT"]),
            encoding=ENCODING,
        ) as span:
            status = call(f"{os.environ['STOCK']}/items/{number}") if what == "carts" else 500 if number == "0" else 200
            span.update_binary_annotations({"http.method": "GET", "http.route": f"/{what}/{{id}}"})
            if status >= 400:
                span.update_binary_annotations({"http.status_code": str(status), "error": str(status)})
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()

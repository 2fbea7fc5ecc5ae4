"""A server of OAuth 2.0 tokens that nobody signed, as brokers of tests believe them."""

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

SECRET = "hush"


class TokenServer:
    """Gives whoever knows the secret a token for its id; ``asked`` are the forms, ``answer`` replaces what is said."""

    def __init__(self, lives_s: float = 3_600.0) -> None:
        self.lives_s = lives_s
        self.asked: list[dict[str, str]] = []
        self.answer: bytes | None = None
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
                given = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
                client_id, _, secret = given.partition(":")
                server.asked.append(form)
                refused = secret != SECRET
                body = (
                    b'{"error":"invalid_client"}'
                    if refused
                    else server.answer or json.dumps(server.token(client_id)).encode()
                )
                self.send_response(401 if refused else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/token"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def token(self, client_id: str) -> dict[str, Any]:
        """What is answered: an unsecured JWT (RFC 7519, section 6), of another ``jti`` each time."""
        now_s = time.time()
        claims = {"sub": client_id, "iat": now_s, "exp": now_s + self.lives_s, "jti": str(len(self.asked))}
        parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in ({"alg": "none"}, claims)]
        return {
            "access_token": b".".join([*parts, b""]).decode(),
            "token_type": "Bearer",
            "expires_in": self.lives_s,
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

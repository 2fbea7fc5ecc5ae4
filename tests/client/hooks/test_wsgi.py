"""Requests of Flask and bare WSGI: named by their routes, ended when the server closes their answers."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, Response
from werkzeug.test import Client as Browser
from werkzeug.test import EnvironBuilder

from tests.client.conftest import Kept
from tracehound_client import Client, current, segment
from tracehound_client.hooks.wsgi import ExecutionMiddleware

Make = Callable[..., Client]


@pytest.fixture
def client(clients: Make, kept: Kept) -> Client:
    return clients("shop", kept)


def recorded(client: Client, kept: Kept) -> list[dict[str, Any]]:
    assert client.flush(120)
    return kept.executions


def shop(client: Client) -> Flask:
    app = Flask("shop")
    app.wsgi_app = ExecutionMiddleware(app.wsgi_app, client)  # type: ignore[method-assign]

    @app.get("/carts/<int:cart>")
    def cart(cart: int) -> str:
        with segment("SELECT cart", "db"):
            return str(cart)

    @app.get("/stream")
    def stream() -> Response:
        def pieces() -> Iterator[str]:
            for number in range(3):
                with segment(f"piece {number}"):
                    yield "x"

        return Response(pieces())

    @app.get("/broken")
    def broken() -> str:
        raise KeyError("shelf")

    return app


def test_flask_is_named_by_its_rules(client: Client, kept: Kept) -> None:
    browser = shop(client).test_client()
    paths = ("/carts/7", "/stream", "/broken", "/wp-admin.php")
    assert [browser.get(path, buffered=True).status_code for path in paths] == [200, 200, 500, 404]
    told = [(one["operation"], one["result"], one["status"]) for one in recorded(client, kept)]
    assert told == [
        ("GET /carts/<int:cart>", 200, "ok"),
        ("GET /stream", 200, "ok"),
        ("GET /broken", 500, "error"),
        ("GET", 404, "ok"),
    ]
    parts = [[each["name"] for each in one.get("segments", [])] for one in kept.executions]
    assert parts == [["SELECT cart"], ["piece 0", "piece 1", "piece 2"], [], []]
    assert current() is None


def test_an_exception_before_or_within_an_answer_is_told_once(client: Client, kept: Kept) -> None:
    def early(environ: Any, start: Any) -> list[bytes]:
        raise OSError("no disk")

    def late(environ: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", [])
        yield b"x"
        raise ValueError("no more")

    for app in (early, late):
        with pytest.raises((OSError, ValueError), match="no "):
            Browser(ExecutionMiddleware(app, client)).get("/x", buffered=True)
    assert [(one["result"], one["error"]["type"]) for one in recorded(client, kept)] == [
        (500, "OSError"),
        (200, "ValueError"),
    ]


def test_what_the_application_gives_is_closed_and_nothing_leaks_where_the_server_does_not(
    client: Client, kept: Kept
) -> None:
    class Given(list[bytes]):
        closed = 0

        def close(self) -> None:
            self.closed += 1

    given = Given([b"x", b""])

    def app(environ: Any, start: Any) -> Given:
        start("200 OK", [], None)
        return given

    environ = EnvironBuilder("/x").get_environ()
    header = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    abandoned = ExecutionMiddleware(app, client)(environ, lambda *_: None)
    assert next(iter(abandoned)) == b"x"
    assert current() is None
    body = ExecutionMiddleware(app, client)(environ | {"HTTP_TRACEPARENT": header}, lambda *_: None)
    assert list(body) == [b"x", b""]
    body.close()  # type: ignore[attr-defined]
    body.close()  # type: ignore[attr-defined]
    assert given.closed == 2
    (one,) = recorded(client, kept)
    assert (one["operation"], one["trace_id"]) == ("GET /x", "a" * 32)

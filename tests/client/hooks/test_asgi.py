"""Requests of FastAPI, Starlette and bare ASGI: named by their routes, ended with their answers, in their traces."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from fastapi import APIRouter, BackgroundTasks, FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from tests.client.conftest import Kept
from tracehound_client import Client, current, segment
from tracehound_client.hooks.asgi import ExecutionMiddleware

Make = Callable[..., Client]


def ask(app: Any, path: str, headers: Mapping[str, str] | None = None) -> int:
    """The status that is answered to a GET; 0 where there is no answer."""
    status = 0

    requests = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not requests:
            await asyncio.Event().wait()  # nobody goes away
        return requests.pop()

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    given = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": given, "root_path": ""}
    asyncio.run(app(scope, receive, send))
    return status


@pytest.fixture
def client(clients: Make, kept: Kept) -> Client:
    return clients("shop", kept)


def recorded(client: Client, kept: Kept) -> list[dict[str, Any]]:
    assert client.flush(120)
    return kept.executions


def shop(client: Client) -> FastAPI:
    app = FastAPI()
    app.add_middleware(ExecutionMiddleware, client=client)
    router = APIRouter(prefix="/carts")

    @router.get("/{cart}/items/{item}")
    async def item(cart: int, item: int, later: BackgroundTasks) -> dict[str, int]:
        with segment("SELECT item", "db"):
            later.add_task(afterwards)
        return {"cart": cart, "item": item}

    @segment("behind the answer")
    def afterwards() -> None:
        assert current() is not None

    @app.get("/plain")
    def plain() -> str:
        with segment("in a thread"):
            return "plain"

    @app.get("/missing")
    async def missing() -> None:
        raise HTTPException(404)

    @app.get("/busy")
    async def busy() -> None:
        raise HTTPException(503)

    @app.get("/broken")
    async def broken() -> None:
        raise KeyError("shelf")

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def pieces() -> Any:
            for number in range(3):
                with segment(f"piece {number}"):
                    yield b"x"

        return StreamingResponse(pieces())

    below = FastAPI()

    @below.get("/{name}")
    async def named(name: str) -> str:
        return name

    app.include_router(router)
    app.mount("/below", below)
    return app


def test_fastapi_is_named_by_its_routes(client: Client, kept: Kept) -> None:
    app = shop(client)
    wanted = {
        "/carts/7/items/8": (200, "GET /carts/{cart}/items/{item}", "ok"),
        "/plain": (200, "GET /plain", "ok"),
        "/missing": (404, "GET /missing", "ok"),
        "/busy": (503, "GET /busy", "error"),
        "/stream": (200, "GET /stream", "ok"),
        "/below/cart": (200, "GET /below/{name}", "ok"),
        "/wp-admin.php": (404, "GET", "ok"),
    }
    assert {path: ask(app, path) for path in wanted} == {path: status for path, (status, _, _) in wanted.items()}
    told = [(one["result"], one["operation"], one["status"]) for one in recorded(client, kept)]
    assert told == list(wanted.values())
    parts = {one["operation"]: [each["name"] for each in one.get("segments", [])] for one in kept.executions}
    assert parts["GET /carts/{cart}/items/{item}"] == ["SELECT item"]
    assert parts["GET /plain"] == ["in a thread"]
    assert parts["GET /stream"] == ["piece 0", "piece 1", "piece 2"]
    assert current() is None


def test_an_exception_is_told_and_goes_on_its_way(client: Client, kept: Kept) -> None:
    with pytest.raises(KeyError):
        ask(shop(client), "/broken")
    (one,) = recorded(client, kept)
    assert (one["operation"], one["status"], one["result"]) == ("GET /broken", "error", 500)
    assert one["error"]["type"] == "KeyError"


def test_starlette_is_named_by_its_parameters(client: Client, kept: Kept) -> None:
    async def cart(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.path_params["cart"])

    routes = [Route("/carts/{cart}", cart), Mount("/api", routes=[Route("/{a}/{cart:path}", cart)])]
    app = ExecutionMiddleware(Starlette(routes=routes), client)
    assert [ask(app, path) for path in ("/carts/7", "/api/1/7/8", "/carts")] == [200, 200, 404]
    assert [one["operation"] for one in recorded(client, kept)] == ["GET /carts/{cart}", "GET /api/{a}/{cart}", "GET"]


def test_the_caller_is_the_parent_and_a_broken_name_is_no_failure(client: Client, kept: Kept) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    header = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    ask(ExecutionMiddleware(app, client), "/x/7", {"traceparent": header})
    ask(ExecutionMiddleware(app, client, lambda scope: scope["nothing"]), "/x")
    ask(ExecutionMiddleware(app, client, lambda scope: "mine"), "/x")
    first, second, third = recorded(client, kept)
    assert (first["trace_id"], first["parent_span_id"], first["operation"]) == ("a" * 32, "b" * 16, "GET /x/7")
    assert (second["operation"], third["operation"]) == ("unknown", "mine")


def test_who_goes_away_within_an_answer_makes_no_failure(client: Client, kept: Kept) -> None:
    async def gone(message: Any) -> None:
        raise OSError

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})

    with pytest.raises(OSError):
        asyncio.run(ExecutionMiddleware(app, client)({"type": "http", "method": "GET", "path": "/x"}, None, gone))  # type: ignore[arg-type]
    assert [(one["status"], one["result"], "error" in one) for one in recorded(client, kept)] == [
        ("unset", "disconnected", False)
    ]


def test_names_that_anybody_can_make_up_are_no_operations(client: Client, kept: Kept) -> None:
    async def refuses(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 401})
        await send({"type": "http.response.body"})

    for method in ("GET", "XYZZY"):
        scope = {"type": "http", "method": method, "path": f"/{method}/7"}
        asyncio.run(ExecutionMiddleware(refuses, client)(scope, None, nothing))  # type: ignore[arg-type]
    assert [one["operation"] for one in recorded(client, kept)] == ["GET", "HTTP"]


async def nothing(message: Any) -> None:
    """Answers go nowhere."""


def test_a_task_that_is_cancelled_is_no_failure_and_other_scopes_are_passed_on(client: Client, kept: Kept) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        ask(ExecutionMiddleware(app, client), "/x")
    asyncio.run(ExecutionMiddleware(app, client)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert [(one["status"], one["result"]) for one in recorded(client, kept)] == [("unset", "CancelledError")]

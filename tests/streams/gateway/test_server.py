"""What hostile and broken clients cost: bounded time, and nothing that stays."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.streams.gateway.conftest import FakeSender, made
from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.gateway.server import _place, run_gateway
from tracehound.streams.http import server as serving
from tracehound.streams.http.server import Server
from tracehound.streams.settings.gateway import GatewaySettings
from tracehound.streams.settings.settings import Settings, load_settings

HEAD = b"POST /v1/executions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Client]]


@asynccontextmanager
async def served(**settings: Any) -> AsyncIterator[Connect]:
    """A gateway on a free port for as long as the block; in the end nothing may be left of its requests."""
    sender = FakeSender()
    bounds = {"read_timeout_s": 0.3, "port": 0, **settings}
    server = Server(made(sender, **bounds).app, _place(GatewaySettings(**bounds)))
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    clients: list[asyncio.StreamWriter] = []

    async def connect() -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        clients.append(writer)
        return reader, writer

    try:
        yield connect
        await working_on(0, connect)
    finally:
        for writer in clients:
            writer.close()
        server.should_exit = True
        await running


async def working_on(requests: int, connect: Connect) -> None:
    """Wait until the gateway works on so many requests, beside the one that asks."""
    wanted = b"tracehound_gateway_requests_in_flight %d.0\n" % (requests + 1)
    said = b""
    while wanted not in said:
        reader, writer = await connect()
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        said = await reader.read()


def run(scenario: Callable[[Connect], Awaitable[None]], **settings: Any) -> None:
    async def within() -> None:
        async with asyncio.timeout(120), served(**settings) as connect:
            await scenario(connect)

    asyncio.run(within())


@pytest.fixture(autouse=True)
def no_slack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_SLACK_S", 0.2)


def test_a_head_that_does_not_end_is_cut_off_also_on_a_connection_that_was_used_before() -> None:
    async def scenario(connect: Connect) -> None:
        reader, writer = await connect()
        writer.write(HEAD + b"Content-Length: 2\r\n\r\n[]")
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")
        await asyncio.sleep(0.7)  # a connection may wait for longer than a request
        writer.write(HEAD + b"Content-Length: 2\r\n\r\n[]")
        assert b"200 OK" in await reader.readuntil(b"}")
        writer.write(HEAD)
        assert await dropped(reader)
        silent, _ = await connect()
        assert await dropped(silent)

    run(scenario)


async def dropped(reader: asyncio.StreamReader) -> bool:
    """Whether the connection ends without a word."""
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True


def test_a_body_that_does_not_end_is_408_and_cut_off() -> None:
    async def scenario(connect: Connect) -> None:
        for length in (b"Content-Length: 10\r\n\r\n[", b"Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n"):
            reader, writer = await connect()
            writer.write(HEAD + length)
            answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b"'gateway.read_timeout_s'" in answer

    run(scenario)


def test_a_head_that_is_too_large_or_no_http_is_400() -> None:
    async def scenario(connect: Connect) -> None:
        for sent in (
            HEAD + b"X: " + b"x" * 100_000,
            b"\x16\x03\x01\x02\0\x01" * 50 + b"\r\n\r\n",
            HEAD + b"Content-Length: x\r\n\r\n",
        ):
            reader, writer = await connect()
            writer.write(sent)
            assert (await reader.read()).startswith(b"HTTP/1.1 400 ")

    run(scenario)


@pytest.mark.parametrize(
    ("length", "status"),
    [
        (b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]", 400),
        (b"Content-Length: -2\r\n\r\n[]", 400),
        (b"Content-Length: 2, 3\r\n\r\n[]", 400),
        (b"Content-Length: 2\r\n\r\n[]trailing\r\n\r\n", 200),
        (b"Transfer-Encoding: chunked\r\n\r\nzz\r\n[]", 400),
        (b"Content-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n" + HEAD + b"\r\n", 400),
        (b"Transfer-Encoding: gzip, chunked\r\n\r\n", 400),
    ],
)
def test_a_length_that_is_wrong_ends_the_connection_and_is_no_other_request(length: bytes, status: int) -> None:
    async def scenario(connect: Connect) -> None:
        reader, writer = await connect()
        writer.write(HEAD + length)
        answers = await asyncio.wait_for(reader.read(), 120)
        assert answers.startswith(b"HTTP/1.1 %d " % status)
        assert answers.count(b"HTTP/1.1 2") == (status == 200)

    run(scenario)


def test_a_target_in_absolute_form_has_its_path() -> None:
    async def scenario(connect: Connect) -> None:
        for target, status in ((b"http://localhost/v1/executions?a=b", 200), (b"http://localhost", 405)):
            reader, writer = await connect()
            sent = HEAD.replace(b"/v1/executions", target).replace(b"POST", b"POST" if status == 200 else b"GET")
            writer.write(sent + b"Content-Length: 2\r\nConnection: close\r\n\r\n[]")
            assert (await reader.read()).startswith(b"HTTP/1.1 %d " % status)

    run(scenario)


def test_a_client_that_takes_no_answers_is_cut_off() -> None:
    async def scenario(connect: Connect) -> None:
        _, writer = await connect()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        with pytest.raises(ConnectionError):
            await ask_for_ever(writer)

    async def ask_for_ever(writer: asyncio.StreamWriter) -> None:
        while True:  # until what is on its way fills all buffers
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
            await writer.drain()

    run(scenario)


def test_a_client_that_goes_away_leaves_nothing() -> None:
    async def scenario(connect: Connect) -> None:
        for _ in range(20):
            _, writer = await connect()
            writer.write(HEAD + b"Content-Length: 1000\r\n\r\n[")
            await writer.drain()
            writer.close()
        half, writer = await connect()
        writer.write(HEAD + b"Content-Length: 1000\r\n\r\n[")
        writer.write_eof()
        assert await dropped(half)

    run(scenario)


def test_a_body_that_says_it_is_too_long_is_refused_before_it_comes() -> None:
    async def scenario(connect: Connect) -> None:
        reader, writer = await connect()
        writer.write(HEAD + b"Content-Length: 99999999999\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 413 ")

    run(scenario)


def test_bodies_in_memory_together_are_bounded() -> None:
    async def scenario(connect: Connect) -> None:
        _, waiting = await connect()
        waiting.write(HEAD + b"Content-Length: 9000\r\n\r\n" + b" " * 8_000)
        await waiting.drain()
        await working_on(1, connect)
        reader, writer = await connect()
        writer.write(HEAD + b"Content-Length: 8000\r\nConnection: close\r\n\r\n" + b" " * 8_000)
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 2" in answer
        waiting.write(b" " * 1_000)
        await working_on(0, connect)
        reader, writer = await connect()
        writer.write(HEAD + b"Content-Length: 8000\r\nConnection: close\r\n\r\n" + b" " * 8_000)
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")

    run(scenario, max_mb_in_flight=0.01, read_timeout_s=60.0)


def test_connections_that_are_too_many_are_closed() -> None:
    async def scenario(connect: Connect) -> None:
        kept = [await connect() for _ in range(3)]
        reader, _ = await connect()
        assert await dropped(reader)
        kept[0][1].write(HEAD + b"Content-Length: 2\r\nConnection: close\r\n\r\n[]")
        assert (await kept[0][0].read()).startswith(b"HTTP/1.1 200 ")

    run(scenario, max_connections=3, read_timeout_s=60.0)


def test_what_cannot_be_set_ends_with_its_sentence(capfd: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    def refused(**settings: Any) -> str:
        assert run_gateway(Settings(gateway=GatewaySettings(**settings), log_format="console")) == 2
        return capfd.readouterr().err

    assert "'gateway.host' must be an address of loopback" in refused(host="0.0.0.0")
    for file in (tmp_path / "missing.pem", tmp_path / "no.pem"):
        (tmp_path / "no.pem").write_text("no certificate")
        assert "'gateway.tls_certificate_file'" in refused(tls_certificate_file=file, tls_key_file=file)
    with pytest.raises(ConfigurationError, match="set together"):
        load_settings(gateway={"tls_key_file": "x"})

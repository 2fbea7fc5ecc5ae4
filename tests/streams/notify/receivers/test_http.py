"""What the other side may do to a request, at a server on loopback."""

import asyncio
import socket
import ssl
from collections.abc import Coroutine
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from tests.streams.notify.conftest import Answer, never, stand_in, status
from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.notify.outcome import Delivered, Failed, Outcome
from tracehound.streams.notify.receivers.http import HttpPoster, retry_after_s


def post(*answers: Answer, path: str = "/hook", timeout_s: float = 5.0) -> tuple[Outcome, list[str]]:
    """How one attempt ends, and the paths that were asked for."""

    async def test() -> tuple[Outcome, list[str]]:
        async with stand_in(*answers) as server:
            poster = HttpPoster(timeout_s)
            try:
                outcome = await poster.post(server.url + path, b"{}", {"X-Own": "1"})
            finally:
                await poster.close()
            return outcome, [request.path for request in server.requests]

    return asyncio.run(test())


@pytest.mark.parametrize("code", [200, 201, 202, 204])
def test_all_of_2xx_is_delivered(code: int) -> None:
    assert post(status(code)) == (Delivered(), ["/hook"])


@pytest.mark.parametrize(
    ("code", "retry"),
    [
        *((code, False) for code in (400, 401, 404, 410, 413)),
        *((code, True) for code in (408, 425, 429, 500, 502, 503)),
    ],
)
def test_some_failures_may_pass(code: int, retry: bool) -> None:
    outcome, _ = post(status(code))
    assert outcome == Failed(f"The answer has status {code}: because of \u2039reasons\u203a.", retry)


def test_the_server_says_when_to_come_back() -> None:
    outcome, _ = post(status(429, Retry_After="17"))
    assert isinstance(outcome, Failed)
    assert (outcome.retry, outcome.after_s) == (True, 17.0)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(None, 0.0), ("0", 0.0), ("120", 120.0), ("-5", 0.0), ("tomorrow", 0.0), ("1e9", 0.0), ("\u0663", 0.0), ("", 0.0)],
)
def test_retry_after_in_seconds(given: str | None, seconds: float) -> None:
    assert retry_after_s(given, 1_000.0) == seconds


def test_retry_after_as_a_date() -> None:
    assert retry_after_s(formatdate(1_030.0, usegmt=True), 1_000.0) == 30.0
    assert retry_after_s(formatdate(970.0, usegmt=True), 1_000.0) == 0.0


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(code: int) -> None:
    outcome, paths = post(status(code, Location="http://elsewhere.example/<b>"))
    assert isinstance(outcome, Failed)
    assert not outcome.retry
    assert f"({code}) to http\uff1a//elsewhere.example, which" in outcome.reason
    assert paths == ["/hook"]


def test_no_answer_in_time_may_pass() -> None:
    assert post(never, timeout_s=0.1)[0] == Failed("No answer came within 0.1 s.", retry=True)


def run(test: Coroutine[Any, Any, Outcome]) -> Outcome:
    return asyncio.run(test)


def test_nobody_there_may_pass() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    async def test() -> Outcome:
        poster = HttpPoster(5.0)
        try:
            return await poster.post(f"http://127.0.0.1:{port}/", b"", {})
        finally:
            await poster.close()

    outcome = run(test())
    assert isinstance(outcome, Failed)
    assert outcome.retry
    assert "The connection failed" in outcome.reason


def test_a_server_that_hangs_up_may_pass() -> None:
    async def test() -> Outcome:
        async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        poster = HttpPoster(5.0)
        try:
            return await poster.post(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", b"", {})
        finally:
            await poster.close()
            server.close()

    outcome = run(test())
    assert isinstance(outcome, Failed)
    assert outcome.retry


def test_certificates_are_verified() -> None:
    async def test() -> Outcome:
        async with stand_in() as server:  # speaks no TLS at all
            poster = HttpPoster(5.0)
            assert poster._ssl.verify_mode is ssl.CERT_REQUIRED
            assert poster._ssl.check_hostname
            try:
                return await poster.post(server.url.replace("http:", "https:"), b"", {})
            finally:
                await poster.close()

    assert isinstance(run(test()), Failed)


def test_a_file_that_holds_no_certificates_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    with pytest.raises(ConfigurationError, match="'ca_file'"):
        HttpPoster(5.0, file)
    file.write_text("nothing")
    with pytest.raises(ConfigurationError, match="'ca_file'"):
        HttpPoster(5.0, file)

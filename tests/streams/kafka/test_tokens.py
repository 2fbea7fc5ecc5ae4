"""Tokens are got by id and secret and used for most of their life; what goes wrong is a sentence without the secret."""

import asyncio
import base64
import json
from collections.abc import Iterator

import pytest

from tests.token_server import TokenServer
from tracehound.streams.kafka.tokens import ClientCredentials, TokenError


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with TokenServer() as started:
        yield started


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_token_is_used_for_most_of_its_life(server: TokenServer) -> None:
    clock = Clock()
    provider = ClientCredentials(server.url, "worker", "hush", "kafka", clock)
    first = asyncio.run(provider.token())
    clock.now_s = 0.7 * server.lives_s
    assert asyncio.run(provider.token()) == first
    clock.now_s = 0.9 * server.lives_s
    assert asyncio.run(provider.token()) != first
    assert [form["scope"] for form in server.asked] == ["kafka", "kafka"]
    claims = json.loads(base64.urlsafe_b64decode(first.split(".")[1] + "=="))
    assert claims["sub"] == "worker"


def test_who_is_refused_or_answered_nonsense_is_told(server: TokenServer) -> None:
    with pytest.raises(TokenError, match="401") as refused:
        asyncio.run(ClientCredentials(server.url, "worker", "guess").token())
    assert "guess" not in str(refused.value)
    for nonsense in (
        b"no JSON",
        b"[]",
        b"{}",
        b'{"access_token":7}',
        b'{"access_token":"a","expires_in":-1}',
        b"[" * 9_999,
    ):
        server.answer = nonsense
        with pytest.raises(TokenError, match=r"'sasl_oauth_token_url'.*is no token"):
            asyncio.run(ClientCredentials(server.url, "worker", "hush").token())


def test_a_server_that_is_away_is_told() -> None:
    with pytest.raises(TokenError, match=r"http://127\.0\.0\.1:1/"):
        asyncio.run(ClientCredentials("http://127.0.0.1:1/", "worker", "hush").token())

"""Which attributes of an execution are looked at: plain ones that tell nobody's identity."""

from typing import Any

import pytest

from tracehound.detectors.features.attributes import LONGEST, MOST_PAIRS, pairs_of
from tracehound.detectors.settings import PRIVATE
from tracehound.schemas.execution import ExecutionHead

WORDS = frozenset(PRIVATE)


def pairs(attributes: dict[str, Any], host: str = "", version: str = "") -> list[tuple[str, str]]:
    one = ExecutionHead("shop", "GET /", 0.0, 1.0, attributes=attributes, host=host, version=version)
    return pairs_of(one, WORDS)


def test_hosts_versions_and_plain_attributes_are_looked_at() -> None:
    found = pairs({"tier": "gold", "canary": True, "shard": 7}, host="shop-7d9f", version="2")
    assert found == [("host", "shop-7d9f"), ("version", "2"), ("tier", "gold"), ("canary", "true"), ("shard", "7")]


@pytest.mark.parametrize(
    "name", ["user.id", "enduser.id", "userName", "EMAIL", "client.address", "clientIP", "session_id", "http.cookie"]
)
def test_attributes_of_persons_are_not(name: str) -> None:
    assert pairs({name: "x"}) == []


@pytest.mark.parametrize(
    "value",
    [
        *("ada@example.com", "+44 20 7946 0958", "4111 1111 1111 1111", "10.1.22.3", "a\x1b[31m", "x" * 65, ""),
        *(1.5, 10**9, None, ["x"], {"x": "y"}),
    ],
)
def test_values_that_may_be_of_a_person_or_hurt_are_not(value: Any) -> None:
    assert pairs({"tag": value}) == []


def test_they_are_bounded() -> None:
    many = pairs({f"tag{chr(97 + i % 26)}{i}": "x" for i in range(1_000)}, host="h" * 10_000)
    assert len(many) <= MOST_PAIRS
    assert len(many[0][1]) == LONGEST
    assert pairs({"n" * 65: "x"}) == []


def test_all_attributes_can_be_left_out() -> None:
    one = ExecutionHead("shop", "GET /", 0.0, 1.0, host="shop-0", attributes={"tier": "gold"})
    assert pairs_of(one, frozenset("*")) == [("host", "shop-0")]

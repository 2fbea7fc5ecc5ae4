"""Secrets are masked whatever is around them, and what varies becomes a word for its kind; words stay."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.detectors.logs.masking import mask_secrets, masked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password=hunter2", "password=<secret>"),
        ("PASSWORD: hunter2, user bob", "PASSWORD: <secret>, user bob"),
        ('{"api_key":"abc-123","n":1}', '{"api_key":"<secret>","n":1}'),
        ("token = 'xyz'", "token = '<secret>'"),
        ("Authorization: Bearer abcdef.ghijkl", "Authorization: Bearer <secret>"),
        ("authorization=Basic dXNlcjpwYXNz", "authorization=Basic <secret>"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln end", "jwt <secret> end"),
        ("postgres://bob:pw@db:5432/shop", "postgres://<secret>@db:5432/shop"),
        ("key AKIAIOSFODNN7EXAMPLE used", "key <secret> used"),
        ("with ghp_0123456789abcdefghij", "with <secret>"),
        ("the token expired", "the token expired"),
        ("password is wrong=1", "password is <secret>"),
    ],
)
def test_secrets_are_masked_and_nothing_around_them(text: str, expected: str) -> None:
    assert mask_secrets(text) == expected
    assert mask_secrets(expected) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("took 12ms, 3.5 s and 80%", "took <num>, <num> and <num>"),
        ("order 81 at 2026-01-01T00:00:00.123Z", "order <num> at <time>"),
        ("from 10.0.0.7:443 and fe80:0:0:0:1:2:3:4", "from <ip> and <ip>"),
        ("id 123e4567-e89b-12d3-a456-426614174000", "id <id>"),
        ("sha 9f86d081884c7d65 and 0xdeadbeef", "sha <id> and <id>"),
        ("mail to bob@example.com failed", "mail to <email> failed"),
        ("E1234: sha256 of http2", "E1234: sha256 of http2"),
        ("node-17 of shop-7f9c4d5b6-x2z", "node-<num> of shop-<id>-x2z"),
        ("decade facade", "decade facade"),
    ],
)
def test_what_varies_is_masked_and_words_stay(text: str, expected: str) -> None:
    assert masked(text) == expected


@given(st.text(max_size=300))
def test_any_text_can_be_masked(text: str) -> None:
    assert len(mask_secrets(text)) <= len(text) * 9 + 9
    masked(text)


@pytest.mark.parametrize("unit", ["://a:", "1.", "a@", "0:", "password=", "eyJ", "Bearer ", "1,", "a1", "-", "[", "f0"])
def test_a_text_that_is_chosen_to_be_dear_ends(unit: str) -> None:
    """What tries every way through a text would take hours for these; a second is a hundred times what they take."""
    begun = time.process_time()
    masked(unit * (1_000 // len(unit)))
    assert time.process_time() - begun < 1.0

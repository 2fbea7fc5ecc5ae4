"""Messages are found by their words, the same ones on both engines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from tracehound.console.store.engine import Store
from tracehound.console.store.tables import scored_logs
from tracehound.console.store.tables.words import LONGEST_WORD, MOST_WORDS, has_words, words_of

MESSAGES = {
    "spike": "CPU spike detected: cpu_load=97% on host-7",
    "usual": "GET /cart took 12 ms",
    "umlaut": "Größe überschritten: Straße 7",
    "odd": 'He said "AND" OR NOT near(x) * ^ \N{SNOWMAN} Ⅷ 東京',
}


def fill(store: Store) -> None:
    rows = [
        {
            **{"id": name, "time_us": number, "application": "shop", "environment": "", "host": "", "level": "info"},
            **{"level_rank": 2, "template_id": "1", "severity": None, "severity_rank": -1, "score": 0.0},
            **{"anomaly_id": None, "trace_id": "", "message": message, "words": words_of(message), "told_us": number},
            **{"bytes": 2, "event": "{}"},
        }
        for number, (name, message) in enumerate(MESSAGES.items())
    ]
    with store.write() as connection:
        connection.execute(insert(scored_logs), rows)


def found(store: Store, wanted: str) -> list[str]:
    with store.read() as connection:
        query = select(scored_logs.c.id).where(has_words(wanted)).order_by(scored_logs.c.seq)
        return list(connection.execute(query).scalars())


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ("spike", ["spike"]),
        ("SPIKE cpu", ["spike"]),
        ("7", ["spike", "umlaut"]),
        ("7 spike nothing", []),
        ("spik", []),
        ("überschritten", ["umlaut"]),
        ("uberschritten", []),
        ("straße", ["umlaut"]),
        ("and or not", ["odd"]),
        ('"near" *', ["odd"]),
        ("東京 ⅷ", ["odd"]),
        ("took'; DROP TABLE scored_logs; --", []),
        ("!!! ::", []),
    ],
)
def test_a_message_is_found_by_all_the_words_that_it_has(store: Store, wanted: str, ids: list[str]) -> None:
    fill(store)
    assert found(store, wanted) == ids


def test_what_is_removed_is_not_found(store: Store) -> None:
    fill(store)
    with store.write() as connection:
        connection.execute(delete(scored_logs).where(scored_logs.c.id == "spike"))
    assert found(store, "spike") == []
    assert found(store, "7") == ["umlaut"]


@given(st.text(max_size=3_000))
def test_words_are_bounded_and_found_in_themselves(message: str) -> None:
    words = words_of(message)
    assert len(words) <= MOST_WORDS
    assert all(0 < len(word) <= LONGEST_WORD and word.isalnum() for word in words)
    assert words_of(" ".join(words)) == words

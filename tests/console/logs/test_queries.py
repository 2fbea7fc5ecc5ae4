"""Log events are found by what they are, newest first, page by page, on both engines."""

import msgspec
import pytest

from tests.console.logs.events import S, scored, store_logs
from tracehound.console.logs.queries import LogFilter, find_logs, log_event
from tracehound.console.store.engine import Store
from tracehound.schemas.scored_log import ScoredLogEvent

EVENTS = [
    scored("a", "CPU spike detected", 10 * S, application="system", level="warning", host="db-1"),
    scored("b", "order 7 was paid", 11 * S, template_id="2"),
    scored("c", "the ledger does not answer", 12 * S, level="error", template_id="3", trace_id="t1"),
    scored("d", "order 8 was paid", 13 * S, template_id="2", environment="test"),
    scored("e", "disk is full", 13 * S, level="critical", template_id="4", host="db-1"),
]
TIMES = [10 * S, 11 * S, 12 * S, 13 * S, 13 * S]


def found(store: Store, wanted: LogFilter, limit: int = 10, after: tuple[int, int] | None = None) -> str:
    with store.read() as connection:
        rows = find_logs(connection, wanted, limit, after)
    return "".join(msgspec.json.decode(row.event, type=ScoredLogEvent).id for row in rows)


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (LogFilter(), "edcba"),
        (LogFilter(application="shop"), "edcb"),
        (LogFilter(application="shop", environment=""), "ecb"),
        (LogFilter(environment="test"), "d"),
        (LogFilter(levels=("warning", "error")), "ca"),
        (LogFilter(severities=("minor",)), "a"),
        (LogFilter(application="shop", template_id="2"), "db"),
        (LogFilter(trace_id="t1"), "c"),
        (LogFilter(host="db-1"), "ea"),
        (LogFilter(words="SPIKE cpu"), "a"),
        (LogFilter(words="order paid", since_us=12 * S), "d"),
        (LogFilter(since_us=11 * S, until_us=13 * S), "cb"),
        (LogFilter(since_us=0, until_us=0), ""),
        (LogFilter(words="?!"), ""),
        (LogFilter(application="shop' OR 1=1 --"), ""),
    ],
)
def test_events_are_found_by_what_they_are(store: Store, wanted: LogFilter, ids: str) -> None:
    store_logs(store, EVENTS, TIMES)
    assert found(store, wanted) == ids


def test_pages_follow_each_other_without_gap_or_repeat(store: Store) -> None:
    store_logs(store, EVENTS, TIMES)
    seen, after = "", None
    while True:
        with store.read() as connection:
            page = find_logs(connection, LogFilter(), 2, after)
        if not page:
            break
        seen += "".join(msgspec.json.decode(row.event, type=ScoredLogEvent).id for row in page)
        after = (page[-1].time_us, page[-1].seq)
    assert seen == "edcba"


def test_an_event_is_answered_as_it_was_told(store: Store) -> None:
    store_logs(store, EVENTS, TIMES)
    with store.read() as connection:
        told = log_event(connection, "a")
        assert log_event(connection, "z") is None
    assert told is not None
    event = msgspec.json.decode(told, type=ScoredLogEvent)
    assert (event, event.data.severity) == (EVENTS[0], "minor")

"""The page of tracehound itself: what it says while Kafka was only asked, where it is away, and where all is well."""

from typing import Any

import msgspec

from tests.console.asking import Asking, FakeCluster, asking
from tests.console.pages.shop import HOSTILE, fill, write
from tests.console.store.reader.told import TOPICS, model_event
from tracehound.console.status.cluster import ClusterTold, Reading
from tracehound.console.store.engine import Store
from tracehound.schemas.codec import encode
from tracehound.schemas.model_event import ModelEvent, ModelEventKind


def shown(console: Asking, role: Any = "viewer") -> str:
    return console.page("/status", role)


def test_it_says_that_it_asks_and_asks_again(store: Store) -> None:
    with asking(store) as console:
        assert "Asking Kafka at" in shown(console)
        assert 'data-live="3"' in shown(console)
        assert "Nothing has come yet." in shown(console)


def test_it_says_what_does_not_answer(store: Store) -> None:
    with asking(store, cluster=FakeCluster(ClusterTold(17.0, HOSTILE))) as console:
        assert "does not answer.</strong> &lt;script&gt;" in shown(console)


def test_it_tells_who_reads_what_waits_and_what_is_judged(store: Store) -> None:
    fill(store)
    changes: tuple[tuple[int, ModelEventKind], ...] = ((5, "warming"), (6, "ready"))
    for number, change in changes:
        event = msgspec.json.decode(model_event(number, change), type=ModelEvent)
        event.data.operation = "GET /cart"
        write(store, TOPICS.models, [encode(event)])
    event.id, event.data.operation, event.data.change = "other", "GET /new", "warming"
    write(store, TOPICS.models, [encode(event)])
    readings = [Reading("worker", HOSTILE, "scoring", 0, 12_345), Reading("notify", "n", "telling", None, 0)]
    told = ClusterTold(17.0, "", 3, {"test.anomalies.v1": 6}, ["gone.v1"], readings)
    with asking(store, cluster=FakeCluster(told)) as console:
        answer = shown(console)
    assert "1 of 2 operations in 2 applications are judged; the others have fewer than" in answer
    assert "<strong>none</strong>" in answer
    assert "12,345" in answer
    assert "not told" in answer
    assert "gone.v1" in answer
    assert "3 brokers" in answer
    assert "<dt>Database" not in answer

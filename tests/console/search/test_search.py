"""A word finds what it may mean, of every kind."""

from typing import Any

from tests.console.asking import Asking
from tests.console.store.reader.told import anomaly, incident, progress, scored_log
from tests.console.telling import tell


def found(console: Asking, q: str) -> list[tuple[str, str]]:
    return [(one["kind"], one["id"]) for one in console.get("/search", q=q)["items"]]


def test_a_word_finds_what_it_may_mean(console: Asking) -> None:
    tell(console.store, "progress", progress(0, 1), progress(0, 1, "shop-window"), progress(0, 1, "bank"))
    tell(console.store, "severity", incident("incident-1", 0, "opened"))
    tell(console.store, "anomalies", anomaly(17), anomaly(18))
    tell(console.store, "scored_logs", scored_log(1), scored_log(2, "All is well"))
    assert found(console, "shop") == [("application", "shop"), ("application", "shop-window")]
    assert found(console, "SHOP-w") == [("application", "shop-window")]
    assert found(console, "incident-1") == found(console, "is slow") == [("incident", "incident-1")]
    assert found(console, "anomaly-17") == [("anomaly", "anomaly-17")]
    assert found(console, "spike cpu") == [("log", "log-1")]
    assert found(console, "100%") == found(console, "__") == found(console, "nothing") == []


def test_what_is_too_short_is_refused(console: Asking) -> None:
    hostile: list[Any] = ["", "a", "  a ", "\x00\x00", "a" * 201]
    for q in hostile:
        assert console.ask("GET", "/search", params={"q": q}).status_code == 400

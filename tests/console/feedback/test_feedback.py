"""Verdicts, and what would follow of one before anybody says it: by the rule that workers go by."""

import json

import msgspec

from tests.console.asking import NOW_S, Asking
from tests.console.store.reader.told import anomaly, incident
from tests.console.telling import tell
from tracehound.detectors.telling.feedback import FeedbackMemory
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.feedback import Verdict

DAY = 86_400


def of_size(number: int, actual: float, application: str = "shop", signal: str = "self_ms") -> bytes:
    """An anomaly whose typical value is 100."""
    event = msgspec.json.decode(anomaly(number, application), type=AnomalyEvent)
    event.data.actual, event.data.signal = actual, signal
    return msgspec.json.encode(event)


def fill(console: Asking) -> None:
    tell(
        console.store,
        "anomalies",
        of_size(0, 900.0),
        of_size(5 * DAY, 950.0),  # within a fifth of what is judged
        of_size(10 * DAY, 2_000.0),  # far beyond
        of_size(11 * DAY, 400.0),
        of_size(12 * DAY, 900.0, "bank"),
        of_size(13 * DAY, 900.0, signal="call_ms"),
        of_size(40 * DAY, 900.0),
    )


def preview(console: Asking, subject: str, judgement: str = "false_positive") -> dict[str, object]:
    answer = console.ask("POST", "/feedback/preview", "viewer", json={"subject_id": subject, "judgement": judgement})
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def ids(found: dict[str, object]) -> list[str]:
    return [one["id"] for one in found["anomalies"]]  # type: ignore[attr-defined]


def test_what_a_verdict_would_have_silenced_is_told_before_it_is_sent(console: Asking) -> None:
    fill(console)
    found = preview(console, f"anomaly-{11 * DAY}")
    assert found["looked_at"] == 4  # of the thirty days before the newest one
    assert ids(found) == [f"anomaly-{11 * DAY}"]
    tell(console.store, "anomalies", of_size(41 * DAY, 450.0))
    found = preview(console, f"anomaly-{40 * DAY}", "expected_change")
    assert ids(found) == [f"anomaly-{41 * DAY}", f"anomaly-{40 * DAY}", f"anomaly-{11 * DAY}"]
    assert found["sentence"] == (
        "This verdict would have silenced these 3 anomalies of the last 30 days, of which none was confirmed."
    )
    assert console.sender.records == []


def test_confirmed_anomalies_among_them_are_counted(console: Asking) -> None:
    fill(console)
    said = Verdict(f"anomaly-{11 * DAY}", "confirmed", NOW_S, "ann")
    tell(console.store, "feedback", msgspec.json.encode(said))
    found = preview(console, f"anomaly-{40 * DAY}")
    assert (found["silenced"], found["confirmed"]) == (2, 1)
    assert str(found["sentence"]).endswith("of which 1 was confirmed.")
    assert ids(preview(console, f"anomaly-{40 * DAY}", "confirmed")) == []


def test_the_preview_asks_what_workers_ask(console: Asking) -> None:
    """The rule itself is tested with the detectors; here that patterns go by it, also those seen otherwise."""
    event = msgspec.json.decode(of_size(3, 900.0), type=AnomalyEvent)
    other = msgspec.json.decode(of_size(3, 500.0, signal="duration_ms"), type=AnomalyEvent)
    tell(console.store, "anomalies", msgspec.json.encode(event))
    tell(console.store, "anomalies", msgspec.json.encode(msgspec.structs.replace(other, id="other")))
    assert sorted(ids(preview(console, "anomaly-3"))) == ["anomaly-3", "other"]
    assert hasattr(FeedbackMemory, "untold_patterns")


def test_an_incident_is_judged_by_its_anomalies(console: Asking) -> None:
    tell(console.store, "severity", incident("one", 0, "opened"), incident("one", 9, "resolved"))
    tell(console.store, "anomalies", of_size(3, 900.0), of_size(4, 900.0, signal="call_ms"), of_size(20, 900.0))
    assert ids(preview(console, "one")) == ["anomaly-20", "anomaly-4", "anomaly-3"]


def test_a_verdict_goes_to_kafka_with_who_said_it(console: Asking) -> None:
    fill(console)
    given = {"subject_id": "anomaly-0", "judgement": "confirmed", "note": "the deploy"}
    answer = console.ask("POST", "/feedback", "operator", json=given)
    assert answer.status_code == 202
    (record,) = console.sender.records
    assert (record.topic, record.key) == ("tracehound.feedback.v1", b"anomaly-0")
    verdict = msgspec.json.decode(record.value, type=Verdict)
    by = console.keys["operator"].prefix
    assert verdict == Verdict("anomaly-0", "confirmed", NOW_S, by, "the deploy")
    assert answer.json() == json.loads(record.value)
    tell(console.store, "feedback", record.value)
    assert console.get("/feedback")["items"] == [json.loads(record.value)]
    assert console.get("/feedback", judgement="false_positive")["items"] == []
    assert console.ask("POST", "/feedback", "operator", json=given | {"subject_id": "nothing"}).status_code == 404


def test_the_last_verdict_counts_whatever_order_they_come_in(console: Asking) -> None:
    first, last = Verdict("a", "confirmed", NOW_S), Verdict("a", "false_positive", NOW_S + 1)
    for order in ((first, last), (last, first)):
        tell(console.store, "feedback", *map(msgspec.json.encode, order))
        assert [one["judgement"] for one in console.get("/feedback")["items"]] == ["false_positive"]
    tell(console.store, "feedback", msgspec.json.encode(Verdict("a", "confirmed", NOW_S + 2, withdrawn=True)))
    assert console.get("/feedback")["items"] == []

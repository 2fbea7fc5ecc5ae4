"""Settings of applications: set, applied from a tuning, taken back, and what their worker says of them."""

from typing import Any

import msgspec
import pytest

from tests.console.asking import NOW_S, Asking
from tests.console.store.reader.told import progress
from tests.console.telling import tell
from tests.console.tuning.test_tuning import result, start
from tracehound.console.own_settings.versions import Versions
from tracehound.detectors.alarms.events import settled
from tracehound.schemas.application_settings import ApplicationSettings, settings_key
from tracehound.schemas.codec import encode
from tracehound.streams.http.refusal import put_off
from tracehound.streams.kafka.forwarding import Partitioner

SHOP = {"application": "shop", "environment": "prod"}
GIVEN: dict[str, Any] = SHOP | {"settings": {"least_sigma": 5}}


@pytest.fixture(autouse=True)
def known(console: Asking) -> None:
    tell(console.store, "progress", progress(0, 5))


def sent(console: Asking, path: str, **body: Any) -> ApplicationSettings:
    """What was sent, stored as the reader does."""
    console.now_s[0] += 1.0
    answer = console.ask("POST", path, "operator", json=body)
    assert answer.status_code == 202, answer.text
    record = console.sender.records[-1]
    assert (record.topic, record.key) == ("tracehound.settings.v1", settings_key(("shop", "prod")))
    assert record.partition == Partitioner(console.client.app.state.console.settings.partitions).partition_of("shop")  # type: ignore[attr-defined]
    tell(console.store, "settings", record.value)
    return msgspec.json.decode(record.value, type=ApplicationSettings)


def versions(console: Asking, **asked: Any) -> list[tuple[int, str]]:
    return [(one["version"], one["state"]) for one in console.get("/application-settings", **asked)["items"]]


def test_they_are_set_and_in_force_once_their_worker_says_so(console: Asking) -> None:
    said = sent(console, "/application-settings", **GIVEN, why="told too often")
    assert (said.version, said.settings, said.why) == (1, {"least_sigma": 5.0}, "told too often")
    assert said.by == console.keys["operator"].prefix
    assert versions(console) == [(1, "sent")]
    tell(console.store, "models", encode(settled(said, "1-0")))
    assert versions(console) == [(1, "in_force")]
    refused = sent(console, "/application-settings", **SHOP, settings={"least_sigma": 6})
    tell(console.store, "models", encode(settled(refused, "1-1", "they cannot be.")))
    assert versions(console) == [(2, "refused"), (1, "replaced")]
    assert versions(console, current=True) == [(2, "refused")]
    assert "they cannot be." in console.get("/application-settings")["items"][0]["sentence"]
    changes = console.ask("GET", "/audit", params={"limit": 1}).json()["items"][0]
    assert "least_sigma" in str(changes)


def test_they_are_taken_back_with_one_call_and_that_too(console: Asking) -> None:
    sent(console, "/application-settings", **GIVEN)
    sent(console, "/application-settings", **SHOP, settings={"least_sigma": 6, "tail_score": 9})
    back = sent(console, "/application-settings/revert", **SHOP)
    assert (back.version, back.settings, back.why) == (3, {"least_sigma": 5.0}, "back to version 1")
    again = sent(console, "/application-settings/revert", **SHOP)
    assert (again.version, again.settings) == (4, {"least_sigma": 6.0, "tail_score": 9.0})
    none = sent(console, "/application-settings/revert", **SHOP, version=0)
    assert (none.version, none.settings) == (5, {})
    assert (
        console.ask("POST", "/application-settings/revert", "operator", json=SHOP | {"version": 9}).status_code == 404
    )


def test_of_what_has_none_nothing_is_taken_back(console: Asking) -> None:
    assert console.ask("POST", "/application-settings/revert", "operator", json=SHOP).status_code == 409
    other = {"application": "none", "settings": {}}
    assert console.ask("POST", "/application-settings", "operator", json=other).status_code == 404


def test_the_winner_of_a_tuning_is_applied_and_what_is_tuned_next_begins_with_it(console: Asking) -> None:
    usual, better, worse = start(console)
    path = f"/tunings/{usual.tuning}/apply"
    assert console.ask("POST", path, "operator", json={}).status_code == 409
    tell(
        console.store,
        "tuning_results",
        *(result(usual, outside=8), result(better, outside=2), result(worse, outside=5)),
    )
    applied = sent(console, path)
    assert (applied.version, applied.settings) == (1, {"least_sigma": 4.5})
    assert applied.why == f"candidate 1 of tuning {usual.tuning}"
    assert sent(console, path, candidate=2).settings == {"least_sigma": 5.0}
    assert sent(console, path, candidate=0).settings == {}
    assert console.ask("POST", path, "operator", json={"candidate": 9}).status_code == 404
    sent(console, path)
    tasks = start(console, settings={"tail_score": [9]})
    assert [one.settings for one in tasks] == [{"least_sigma": 4.5}, {"least_sigma": 4.5, "tail_score": 9.0}]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"least_sigma": 99}, "The setting 'least_sigma' must be from 3 to 40. Got 99.0 instead."),
        ({"no_such": 1}, "must be a number of detection. Got 'no_such' instead."),
        ({"http_port": 8080}, "must be a number of detection. Got 'http_port' instead."),
        ({"reservoir": 100}, "The setting 'reservoir' must be the same for all applications. Got 100 for one."),
        ({"first_refit": 100.5}, "must be a whole number. Got 100.5 instead."),
        ({"least_sigma": "5"}, "least_sigma"),
        ({f"s{number}": 1 for number in range(51)}, "settings"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_what_rule_and_value(
    console: Asking, settings: dict[str, Any], sentence: str
) -> None:
    answer = console.ask("POST", "/application-settings", "operator", json=SHOP | {"settings": settings})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert sentence in answer.json()["detail"]
    assert console.sender.records == []


def test_a_version_that_is_read_again_counts_once(console: Asking) -> None:
    said = sent(console, "/application-settings", **GIVEN)
    tell(console.store, "settings", encode(said))
    assert versions(console) == [(1, "sent")]
    assert said.asked_at == NOW_S + 1.0


def test_two_who_set_at_once_have_two_versions_and_who_says_what_they_saw_is_refused(console: Asking) -> None:
    path = "/application-settings"

    def ask(**more: Any) -> Any:
        return console.ask("POST", path, "operator", json=GIVEN | more)

    assert [ask().json()["version"] for _ in range(2)] == [1, 2]  # nothing is stored yet
    late = ask(after=1)
    assert (late.status_code, late.json()["reason"]) == (409, "conflict")
    assert late.json()["detail"] == "The settings of shop must be those of version 1 still. It is 2 by now."
    assert ask(after=2).json()["version"] == 3
    tell(console.store, "settings", *(record.value for record in console.sender.records))
    assert ask(after=0).status_code == 409
    back = console.ask("POST", f"{path}/revert", "operator", json=SHOP | {"after": 2})
    assert back.status_code == 409
    assert len(console.sender.records) == 3


def test_a_version_that_kafka_has_not_taken_is_none(console: Asking) -> None:
    console.sender.failure = put_off("kafka_away", "Kafka is away.", 5)
    assert console.ask("POST", "/application-settings", "operator", json=GIVEN).status_code == 503
    console.sender.failure = None
    assert sent(console, "/application-settings", **GIVEN, after=0).version == 1


def test_what_was_given_out_long_ago_and_never_stored_holds_nobody_up() -> None:
    now_s = [0.0]
    versions = Versions(lambda: now_s[0])
    assert versions.take(("shop", ""), 0, None) == 1
    now_s[0] = 61.0
    assert versions.take(("shop", ""), 0, 0) == 1

"""Dead letters: shown with their original bytes, and sent again, all or none, to where they came from."""

from base64 import b64decode

from tests.console.asking import Asking
from tests.console.store.reader.told import TOPICS, dead_letter
from tests.console.telling import tell_records
from tracehound.console.store.reader.record import Record
from tracehound.schemas.dead_letter import TRUNCATED_HEADER, DeadLetter

VALUE = b'{"a": "\xff\x00"}'


def fill(console: Asking) -> list[str]:
    """Dead letters: of executions, of a topic of outputs, and one that was cut; returns their ids, the newest first."""
    letters = [
        DeadLetter(
            VALUE, b"shop", "tracehound.executions.v1", 1, 7, 5, "decode", "InvalidJson", "Cut.", [("a", b"\x00")]
        ),
        DeadLetter(VALUE, None, "tracehound.anomalies.v1", 1, 8, 5, "decode", "InvalidJson", "Cut."),
        DeadLetter(VALUE, None, "tracehound.executions.v1", 1, 9, 5, "decode", "Oversized", "Long."),
    ]
    headers = [letter.wire_headers() for letter in letters]
    headers[2].append((TRUNCATED_HEADER, b"99999999"))
    for number, letter in enumerate(letters):
        place = (TOPICS.dead_letters.name, 3, 40 + number, 1_000_000 * (number + 1))
        tell_records(console.store, [Record(*place, letter.key, letter.value, headers[number])])
    return [one["id"] for one in console.get("/dead-letters")["items"]]


def test_they_are_found_by_what_was_wrong(console: Asking) -> None:
    ids = fill(console)
    assert len(ids) == 3
    assert [one["id"] for one in console.get("/dead-letters", error="Oversized")["items"]] == ids[:1]
    assert console.get("/dead-letters", source_topic="tracehound.anomalies.v1")["items"][0]["id"] == ids[1]
    assert len(console.ask("GET", "/dead-letters?format=csv").text.splitlines()) == 4


def test_one_is_shown_with_its_original_bytes(console: Asking) -> None:
    cut, output, whole = (console.get(f"/dead-letters/{one}") for one in fill(console))
    assert b64decode(whole["value"]) == VALUE
    assert whole["headers"] == [["a", "AA=="]]
    assert (whole["key_text"], whole["resendable"], whole["why_not"]) == ("shop", True, "")
    assert "must come from" in output["why_not"]
    assert "cut from 99999999 bytes" in cut["why_not"]


def test_operators_send_them_again_with_their_own_bytes_key_and_headers(console: Asking) -> None:
    *_, whole = fill(console)
    assert console.ask("POST", "/dead-letters/resend", "viewer", json={"ids": [whole]}).status_code == 403
    answer = console.ask("POST", "/dead-letters/resend", "operator", json={"ids": [whole, whole]})
    assert answer.json() == {"sent": 1}
    (record,) = console.sender.records
    assert (record.topic, record.key, record.value) == ("tracehound.executions.v1", b"shop", VALUE)
    assert list(record.headers) == [("a", b"\x00"), ("tracehound_resent", b"tracehound.dead-letters.v1-3-40")]
    assert console.ask("GET", "/audit").json()["items"][0]["detail"] == {"ids": [whole]}


def test_where_one_cannot_be_sent_none_is(console: Asking) -> None:
    cut, output, whole = fill(console)
    for wrong, status in ((cut, 409), (output, 409), ("nothing", 404)):
        answer = console.ask("POST", "/dead-letters/resend", "operator", json={"ids": [whole, wrong]})
        assert answer.status_code == status
    assert console.sender.records == []
    assert console.ask("GET", "/audit").json()["items"] == []


def test_a_key_that_is_no_text_is_shown_all_the_same(console: Asking) -> None:
    tell_records(console.store, [dead_letter(1)])
    assert console.get("/dead-letters")["items"][0]["key_text"] == "\N{REPLACEMENT CHARACTER}\x00"

"""Anomalies are told as they were, filtered, in pages that meet without gap or repeat, and exported whole."""

import csv
import io
import json

from tests.console.asking import Asking
from tests.console.store.reader.told import anomaly
from tests.console.telling import tell
from tracehound.schemas.anomaly import SEVERITIES


def fill(console: Asking, count: int = 25) -> list[bytes]:
    """Anomalies of two applications, one a second."""
    told = [anomaly(number, ("shop", "bank")[number % 2], SEVERITIES[number % 3]) for number in range(count)]
    tell(console.store, "anomalies", *told)
    return told


def test_one_is_told_byte_for_byte_as_it_was(console: Asking) -> None:
    told = fill(console)
    answer = console.ask("GET", "/anomalies/anomaly-7", "viewer")
    assert answer.content == told[7]
    assert console.ask("GET", "/anomalies/anomaly-99", "viewer").status_code == 404


def test_who_has_it_already_is_spared_it(console: Asking) -> None:
    fill(console)
    for path in ("/anomalies/anomaly-7", "/anomalies?limit=3"):
        tag = console.ask("GET", path).headers["etag"]
        for said in (tag, f'W/{tag}, "other"', "*"):
            again = console.ask("GET", path, headers={"if-none-match": said})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert console.ask("GET", path, headers={"if-none-match": '"other"'}).status_code == 200


def test_pages_meet_without_gap_or_repeat_while_more_comes(console: Asking) -> None:
    told = fill(console)
    seen, cursor = [], None
    while True:
        page = console.get("/anomalies", limit=4, **({} if cursor is None else {"cursor": cursor}))
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
        tell(console.store, "anomalies", anomaly(1_000 + len(seen)))
    assert seen == [json.loads(one) for one in reversed(told)]
    oldest_first = console.get("/anomalies", limit=1_000, sort="time", until="2026-01-01T00:00:25Z")["items"]
    assert oldest_first == [json.loads(one) for one in told]


def test_filters_let_through_what_they_name(console: Asking) -> None:
    fill(console)

    def ids(**asked: object) -> list[int]:
        return [
            int(one["id"].removeprefix("anomaly-")) for one in console.get("/anomalies", limit=100, **asked)["items"]
        ]

    assert ids(application="bank") == list(range(23, 0, -2))
    assert ids(severity="critical") == list(range(23, 0, -3))
    assert ids(severity=["critical", "major"], application="shop") == [22, 20, 16, 14, 10, 8, 4, 2]
    assert ids(since="2026-01-01T00:00:20Z", until="2026-01-01T00:00:23Z") == [22, 21, 20]
    assert (
        ids(kind="errors")
        == ids(environment="")
        == ids(application="shop", operation="GET /")
        == ids(incident_key="x")
        == []
    )
    assert len(ids(kind="latency", environment="prod", incident_key="shop")) == 13
    assert len(ids(application="shop", operation="GET /cart")) == 13
    assert console.ask("GET", "/anomalies?operation=x").status_code == 400


def test_the_same_list_is_exported_whole(console: Asking) -> None:
    told = fill(console)
    tell(console.store, "anomalies", anomaly(99, "=2+3"))
    lines = console.ask("GET", "/anomalies", "viewer", params={"format": "jsonl", "application": "shop"})
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert lines.content.splitlines() == told[::-2]
    table = console.ask("GET", "/anomalies", "viewer", headers={"accept": "text/csv"})
    assert table.headers["content-type"].startswith("text/csv")
    assert "attachment" in table.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert len(rows) == 26
    assert (rows[0]["application"], rows[1]["reason"], rows[1]["score"]) == ("'=2+3", "It was slow.", "7.5")
    assert len(console.ask("GET", "/anomalies?format=jsonl&limit=3").content.splitlines()) == 3

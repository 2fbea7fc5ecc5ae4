"""Pages: who may see them, that what comes from outside stays text, and what they say where there is nothing."""

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from sqlalchemy import insert, update

from tests.console.asking import Asking, asking
from tests.console.pages.shop import HOSTILE, fill, letter_id, refuse, write
from tests.console.store.reader.told import BEGIN_S, TOPICS, anomaly, model_event, progress, record
from tracehound.console.pages import ADMIN_PAGES, PAGES
from tracehound.console.store.engine import Store
from tracehound.console.store.tables import operation_times, operation_windows
from tracehound.console.web.rendering import POLICY
from tracehound.console.web.roles import ROLES, Role
from tracehound.console.web.scoring_lag import PATIENCE_US
from tracehound.schemas.codec import encode
from tracehound.schemas.execution import Execution, rfc3339
from tracehound.schemas.feedback import Verdict
from tracehound.schemas.model_event import ModelEvent
from tracehound.streams.settings.gateway import GatewaySettings, KeySettings


class Nothing:
    """A simulation in which nothing happens."""

    def __init__(self, *_: float) -> None: ...

    def until(self, _: float) -> Sequence[Execution]:
        return []


@pytest.fixture
def console(store: Store) -> Iterator[Asking]:
    with asking(store, refused_per_minute=100_000) as asked:
        yield asked


def page(console: Asking, path: str, role: Role = "viewer") -> Any:
    headers = {"authorization": f"Bearer {console.keys[role].key}"}
    return console.client.get(f"/ui{path}", headers=headers, follow_redirects=False)


def paths(name: str, letter: str = "none") -> dict[str, str]:
    """Every page, of the things that ``fill`` stores."""
    one = quote(name, safe="")
    named = {
        "{incident_id}": one,
        "{anomaly_id}": "anomaly-1",
        "{application}": one,
        "{letter_id}": letter,
        "{tuning_id}": one,
    }
    found = {path: re.sub(r"{\w+}", lambda part: named[part[0]], path) for path in (*PAGES, *ADMIN_PAGES)}
    found["/applications/{application}"] += "?environment=prod"
    return found


def test_whoever_is_unknown_is_sent_to_sign_in_and_back(console: Asking) -> None:
    for path in paths("shop").values():
        for headers in ({}, {"authorization": "Bearer th_00000000_no"}, {"cookie": "tracehound_session=x"}):
            answer = console.client.get(f"/ui{path}", headers=headers, follow_redirects=False)
            assert (answer.status_code, answer.text) == (303, "")
            assert answer.headers["location"] == f"/ui/sign-in?next={quote(f'/ui{path}', safe='')}"
    assert console.client.get("/ui/sign-in").status_code == 200


def test_every_page_shows_hostile_names_as_text_and_lets_nothing_else_run(console: Asking) -> None:
    fill(console.store, HOSTILE)
    assert console.ask("POST", "/keys", "admin", json={"name": HOSTILE}).status_code == 201
    for template, path in paths(HOSTILE, letter_id(console.store)).items():
        answer = page(console, path, "admin")
        assert answer.status_code == 200, template
        assert "<script>alert" not in answer.text
        assert "{{7*7}}" in answer.text  # not reckoned
        assert "&lt;script&gt;alert(1)" in answer.text, template
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["cache-control"] == "no-store"
        assert re.findall(r"<script(?! type=\"module\" src=\"/ui/static/\w+\.js\"></script>)", answer.text) == []
        assert re.findall(r"\son\w+=|\sstyle=|javascript:", answer.text) == [], template


def test_what_pages_lead_to_is_there_whatever_it_is_called(console: Asking) -> None:
    fill(console.store, HOSTILE)  # which has a slash
    seen = set[str]()
    for path in paths(HOSTILE, letter_id(console.store)).values():
        found = re.findall(r'href="(/ui/[^"#]*)', page(console, path, "admin").text)
        seen.update(one.replace("&amp;", "&") for one in found)
    named = sorted(one for one in seen if "script" in one)
    assert len({one.split("/")[2] for one in named if quote(HOSTILE, safe="") in one}) >= 3
    for one in named:
        assert page(console, one.removeprefix("/ui"), "admin").status_code == 200, one


def test_characters_that_turn_text_around_are_written_out(console: Asking) -> None:
    turned = "shop\u202eevil\u2066"
    fill(console.store, turned)
    for template, path in paths(turned, letter_id(console.store)).items():
        shown = page(console, path, "admin").text
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", shown), template
    assert r"shop\u202eevil\u2066 is slow" in page(console, "/").text


def test_pages_for_admins_are_for_admins_and_the_others_lead_nobody_there(console: Asking) -> None:
    for path in ADMIN_PAGES:
        assert [page(console, path, role).status_code for role in ROLES] == [403, 403, 200]
        assert f'href="/ui{path}"' not in page(console, "/incidents", "operator").text
        assert f'href="/ui{path}"' in page(console, "/incidents", "admin").text


def test_viewers_see_no_button_that_they_may_not_use(console: Asking) -> None:
    fill(console.store)
    for path in paths("shop", letter_id(console.store)).values():
        answer = page(console, path)
        assert not re.search("data-send|data-judgement", answer.text) or answer.status_code == 403, path


def test_a_dead_letter_shows_its_bytes_and_can_be_sent_again_where_that_makes_sense(console: Asking) -> None:
    refuse(console.store, "shop", b"\x00\xff<b>\xe2\x80\xae" + b"x" * 30_000)
    shown = page(console, f"/dead-letters/{letter_id(console.store)}", "operator").text
    assert r"\x00\xff&lt;b&gt;\u202exxx" in shown
    assert "00000000  00 ff 3c 62 3e e2 80 ae 78" in shown
    assert "Send it again" in shown
    assert 20_000 < len(shown) < 60_000
    refuse(console.store, "shop", source="somewhere", offset=1)
    shown = page(console, f"/dead-letters/{letter_id(console.store)}", "operator").text
    assert "Send it again" not in shown
    assert "It cannot be sent again. The dead letter" in shown
    assert page(console, "/dead-letters/none").status_code == 404
    assert "There is none of that kind." in page(console, "/dead-letters?stage=none").text


def test_where_nothing_new_is_stored_each_page_says_so_and_why(store: Store) -> None:
    with asking(store, trouble=lambda: "No <broker> answers.") as console:
        fill(store)
        for path in ("/", "/incidents/shop", "/dead-letters"):
            assert "may be old. No &lt;broker&gt; answers." in page(console, path).text


def test_executions_that_nobody_scores_are_said_on_every_page(console: Asking) -> None:
    fill(console.store)
    told_us = record("progress", b"").told_us
    row = {"application": "shop", "environment": "prod", "partition": 0, "now_us": 0, "late": 0}
    with console.store.write() as connection:
        connection.execute(insert(operation_times).values(**row, heard_us=told_us + PATIENCE_US - 1))
    assert "none was scored since" not in page(console, "/").text
    with console.store.write() as connection:
        connection.execute(update(operation_times).values(heard_us=told_us + PATIENCE_US))
    for path in ("/", "/incidents/shop", "/map", "/status"):
        assert "Executions come, and none was scored since" in page(console, path).text


def test_samples_of_the_first_run_have_the_address_and_say_which_key(store: Store) -> None:
    gateway = GatewaySettings(host="0.0.0.0", port=9_000, keys={"th_0123abcd": KeySettings(sha256="0" * 64)})
    with asking(store, gateway=gateway) as console:
        shown = page(console, "/").text
    assert "127.0.0.1:9000" in shown  # the console was asked for at that address
    assert "0.0.0.0" not in shown
    assert shown.count("$KEY") == 2
    assert "<code>th_0123abcd…</code>" in shown
    assert "key=os.environ" in shown
    assert "${env:KEY}" in shown


def test_an_empty_store_says_how_to_send_the_first_execution(console: Asking) -> None:
    answer = page(console, "/")
    assert "Nothing has come yet" in answer.text
    assert "curl http://127.0.0.1:4318/v1/executions" in answer.text
    assert "There is none of that kind." in page(console, "/incidents").text
    assert "Show me with the demo" not in page(console, "/", "operator").text  # there is none to be had


def test_until_anything_is_judged_the_overview_says_how_much_is_missing(store: Store) -> None:
    with asking(store, simulate=Nothing) as console:
        assert "Show me with the demo" in page(console, "/", "operator").text
        assert "Show me with the demo" not in page(console, "/").text
        write(store, TOPICS.progress, [progress(60, 12)])
        with store.write() as connection:
            counts = {"width_s": 60, "errors": 0, "results": "{}"}
            for seq, start, count in ((1, 0, 7), (1, 1, 5), (2, 0, 3)):
                row = {"operation_seq": seq, "start_us": start, "count": count}
                connection.execute(insert(operation_windows).values(**counts, **row))
        overview = page(console, "/").text
        assert "Learning what is usual" in overview
        assert "12 of 30 executions of the operation that has most, of 2." in overview
        event = msgspec.json.decode(model_event(1, "ready"), type=ModelEvent)
        event.data.operation = "GET /cart"
        write(store, TOPICS.models, [encode(event)])
        assert "Nothing is wrong" in page(console, "/").text


def test_what_there_is_not_and_what_cannot_be_meant_is_a_page_too(console: Asking) -> None:
    for path, status in (
        *(("/incidents/none", 404), ("/anomalies/none", 404), ("/applications/none", 404), ("/none", 404)),
        *(("/incidents?cursor=x", 400), ("/incidents?state=none", 400), ("/anomalies?limit=0", 400)),
        *(("/incidents?none=1", 400), ("/anomalies?since=yesterday", 400), ("/static/none.js", 404)),
    ):
        answer = page(console, path)
        assert answer.status_code == status, path
        assert "That did not work" in answer.text, path


def test_an_incident_is_told_with_its_cause_and_an_anomaly_with_what_differs(console: Asking) -> None:
    fill(console.store)
    overview = page(console, "/").text
    assert "1 open incident" in overview
    assert "shop is slow" in overview
    assert "shop was released" in overview
    incident = page(console, "/incidents/shop").text
    assert "It explains 80 %." in incident
    assert 'href="/ui/anomalies/anomaly-1"' in incident
    assert "anomaly-1#execution" in incident
    assert "<strong>given up</strong>: shop" in incident
    assert 'datetime="2025-12-31T23:59:00.000Z"' in incident  # the release
    assert "Announce maintenance" not in incident
    assert "End it now" not in incident
    shown = page(console, "/anomalies/anomaly-1").text
    assert 'Part of the incident <span class="severity major">major</span> <a href="/ui/incidents/shop">' in shown
    assert "96 %" in shown
    assert 'data-anomaly="anomaly-1"' in shown
    assert "What was it?" not in shown  # viewers do not judge


def test_the_overview_counts_by_severity_and_health_and_tells_operations_that_are_new(console: Asking) -> None:
    fill(console.store)
    for at_s, operation in ((60.0, "GET /old"), (7_200.0, "GET /new")):
        event = msgspec.json.decode(model_event(1, "warming"), type=ModelEvent)
        event.id, event.time, event.data.operation = operation, rfc3339(BEGIN_S + at_s), operation
        write(console.store, TOPICS.models, [encode(event)])
    overview = page(console, "/").text
    assert (
        '<a href="/ui/incidents?severity=major&amp;state=open&amp;recurring=false">'
        '1 <span class="severity major">major</span></a>' in overview
    )
    assert "2 applications: 2 major, 0 ok" in overview
    assert "new operation GET /new" in overview
    assert "GET /old" not in overview
    assert "Errors of the last 3 hours" in overview


def test_what_was_said_of_it_is_told_to_everybody(console: Asking) -> None:
    fill(console.store)
    said = Verdict("shop", "expected_change", BEGIN_S, "Ada", HOSTILE)
    write(console.store, TOPICS.feedback, [encode(said)])
    answer = page(console, "/incidents/shop").text
    assert "It was expected, said Ada" in answer
    assert "data-judgement" not in answer
    assert "It was expected" not in page(console, "/anomalies/anomaly-1").text
    write(
        console.store, TOPICS.feedback, [encode(msgspec.structs.replace(said, judged_at=BEGIN_S + 1, withdrawn=True))]
    )
    assert "It was expected" not in page(console, "/incidents/shop").text


def test_lists_go_on_where_they_end(console: Asking) -> None:
    fill(console.store)
    assert 'rel="next"' not in page(console, "/anomalies").text
    write(console.store, TOPICS.anomalies, [anomaly(number) for number in (2, 3, 4)])
    first = page(console, "/anomalies?limit=2&severity=minor&application=")
    following = re.search(r'href="([^"]+)" rel="next"', first.text)
    assert following is not None
    second = page(console, "/anomalies" + following[1].replace("&amp;", "&"))
    names = [re.findall(r"/ui/anomalies/(anomaly-\d+)", answer.text) for answer in (first, second)]
    assert names == [["anomaly-4", "anomaly-3"], ["anomaly-2"]]

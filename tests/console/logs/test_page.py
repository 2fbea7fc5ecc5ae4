"""The page of logs: bursts and new templates first, counts over time, events by what the address asks for."""

import re
from collections.abc import Iterator

import pytest

from tests.console.asking import Asking, asking
from tests.console.logs.events import scored, store_burst, store_logs
from tests.console.store.reader.told import BEGIN_S
from tracehound.console.store.engine import Store

S = 1_000_000
BEGIN = round(BEGIN_S * 1e6)
REFUSED = "payment <*> refused"


@pytest.fixture
def console(store: Store) -> Iterator[Asking]:
    paid = [scored(f"paid-{n}", f"order {n} paid", 0, template="order <*> paid", template_count=9) for n in range(30)]
    refused = [
        scored(
            f"refused-{n}", f"payment {n} refused", 0, template="payment <*> refused", level="error", template_id="2"
        )
        for n in range(3)
    ]
    new = [scored("new", "disk full", 0, application="stock", host="h7", template_id="3", trace_id="t7")]
    events = [*paid, *refused, *new]
    store_logs(store, events, [BEGIN + number * 60 * S for number in range(len(events))])
    store_burst(store, "a burst", "shop logs", REFUSED, BEGIN + 31 * 60 * S)
    with asking(store) as asked:
        yield asked


def shown(console: Asking, query: str = "", status: int = 200) -> str:
    return console.page(f"/logs{query}", status=status)


def events(page: str) -> list[str]:
    return re.findall(r'<details id="log-([^"]+)"', page)


def test_bursts_come_first_then_what_is_new_then_what_is_frequent(console: Asking) -> None:
    table = shown(console).split('id="templates"')[1].split("</section>")[0]
    assert re.findall(r"<code>([^<]*)</code>", table) == [
        "payment &lt;*&gt; refused",
        "disk full",
        "order &lt;*&gt; paid",
    ]
    assert 'href="/ui/anomalies/a%20burst">burst</a>' in table
    assert table.count(">new<") == 2  # that of the burst is new, too
    assert "template_id=3" in table


def test_events_are_found_by_the_address(console: Asking) -> None:
    assert events(shown(console))[:2] == ["new", "refused-2"]
    assert events(shown(console, "?level=error&words=payment+1")) == ["refused-1"]
    assert events(shown(console, "?application=stock")) == ["new"]
    assert events(shown(console, "?application=shop&template_id=2")) == ["refused-2", "refused-1", "refused-0"]
    assert events(shown(console, "?trace_id=t7&host=h7")) == ["new"]
    assert "There is none of that kind." in shown(console, "?words=none")
    assert "That did not work" in shown(console, "?level=none", 400)
    first = shown(console, "?limit=20&application=shop")
    following = re.findall(r'href="([^"]+)" rel="next"', first)[0].replace("&amp;", "&")
    assert events(first)[-1] == "paid-13"
    assert events(shown(console, following))[0] == "paid-12"


def test_events_are_counted_over_time_as_they_are_asked_for(console: Asking) -> None:
    page = shown(console)
    rows = re.findall(r'data-value="([^"]*)">[^<]*</td><td class="number" data-value="([^"]*)"', page)
    assert sum(float(came) for came, _ in rows) == 34
    assert sum(float(errors) for _, errors in rows) == 3
    assert "every minute" in page
    of_stock = shown(console, "?application=stock")
    assert sum(float(came) for came in re.findall(r'<td class="number" data-value="([^"]*)"', of_stock)[::2]) == 1
    since = shown(console, "?since=2026-01-01T00:00:00Z&until=2026-01-01T00:05:00Z")
    assert len(events(since)) == 5
    assert "every 10 seconds" in since


def test_a_page_follows_what_comes(console: Asking) -> None:
    assert 'data-live="60"' in shown(console)
    assert 'data-live="2"' in shown(console, "?follow=1&level=error")
    assert 'href="?level=error"' in shown(console, "?follow=1&level=error")  # stops


def test_an_empty_store_says_how_logs_are_sent(store: Store) -> None:
    with asking(store) as console:
        assert "No log event has come." in shown(console)

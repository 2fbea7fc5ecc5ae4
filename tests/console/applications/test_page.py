"""An application's page: its signals with what is usual, its operations with their distributions, by the address."""

import re
from collections.abc import Iterator

import pytest

from tests.console.asking import Asking, asking
from tests.console.executions.kept import execution, keeper
from tests.console.pages.executed import execute
from tests.console.pages.shop import fill
from tests.console.store.reader.told import BEGIN_S
from tracehound.console.store.engine import Store


@pytest.fixture
def console(store: Store) -> Iterator[Asking]:
    with asking(store) as asked:
        fill(store)
        execute(store)
        yield asked


def shown(console: Asking, query: str = "", status: int = 200) -> str:
    return console.page(f"/applications/shop?environment=prod{query}", status=status)


def figure(page: str, identity: str) -> tuple[list[str], list[list[str]]]:
    """Heads and values of the table of a series."""
    part = page.split(f'id="series-{identity}"')[1].split("</figure>")[0]
    rows = [re.findall(r"data-value=\"([^\"]*)\"", row) for row in part.split("<tr>")[2:]]
    return re.findall(r"<th scope=\"col\"[^>]*>([^<]*)", part), rows


def test_signals_of_all_operations_are_told_with_what_is_usual(console: Asking) -> None:
    page = shown(console)
    heads, rows = figure(page, "traffic")
    assert heads == ["From", "A second", "Usually from", "to"]
    assert len(rows) == 60  # of an application that is known for an hour and a half, the last hour
    assert set(map(tuple, rows)) == {("10", "10", "10")}
    _, errors = figure(page, "errors")
    assert float(errors[-1][0]) == pytest.approx(88 / 600, rel=1e-3)  # the last minute that is over
    _, durations = figure(page, "duration")
    assert float(durations[0][0]) < 150 < 400 < float(durations[-1][0])


def test_an_operation_is_looked_at_alone(console: Asking) -> None:
    page = shown(console, "&operation=GET+shop&hours=12&until=2026-01-01T01:30:00Z")
    heads, rows = figure(page, "duration")
    assert heads[:3] == ["From", "Median", "95 % are below"]
    assert len(rows) == 144
    assert 500 <= float(rows[-1][0]) < float(rows[-1][1]) <= 804
    assert rows[0] == []  # nothing was measured yet
    assert 'value="2026-01-01T01:30:00.000Z"' in page
    assert "Nothing is kept of this operation." in shown(console, "&operation=none")


def test_operations_stand_with_their_distributions(console: Asking) -> None:
    page = shown(console)
    table = page.split('id="operations"')[1].split("</section>")[0]
    assert re.findall(r"operation=([^#\"&]+)#signals", table) == ["GET+shop", "POST+%2Forders"]
    assert len(re.findall(r"<path d=\"M[^\"]+Z\"", table)) == 2
    assert "10 %" in table  # every tenth order failed
    failing = shown(console, "&sort=errors").split('id="operations"')[1]
    assert failing.index("POST /orders") < failing.index("GET shop")
    found = shown(console, "&find=ORDERS").split('id="operations"')[1].split("</section>")[0]
    assert "POST /orders" in found
    assert "GET shop" not in found
    assert "No operation with such a name ran then." in shown(console, "&find=%25")


def test_of_many_operations_the_busiest_are_shown_and_how_many_there_are(console: Asking) -> None:
    one = keeper(console.store, wall_s=BEGIN_S + 5_400)
    many = [
        execution(BEGIN_S + 5_000, "shop", f"op-{number}", environment="prod") for number in range(40) for _ in range(2)
    ]
    one.take(0, many, 10_000)
    one.store()
    assert "25 of 42. Look for others by their name." in shown(console)


def test_what_the_address_cannot_mean_is_said(console: Asking) -> None:
    for wrong in ("&hours=5", "&until=yesterday", "&sort=none", "&none=1"):
        assert "That did not work" in shown(console, wrong, 400)
    assert "Nothing was measured in this time." in shown(console, "&until=1990-01-01T00:00:00Z")
    assert "No execution of that hour is kept." in shown(console, "&until=1990-01-01T00:00:00Z")

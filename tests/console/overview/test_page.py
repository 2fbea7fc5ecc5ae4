"""The overview: golden signals of each application on one scale, and any of a thousand is found by its name."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import insert

from tests.console.asking import Asking, asking
from tests.console.store.reader.told import BEGIN_S, progress
from tests.console.telling import tell
from tracehound.console.overview.queries import worst_first
from tracehound.console.overview.signals import scale_of, signals
from tracehound.console.store.engine import Store
from tracehound.console.store.tables import application_minutes

BEGIN_US = round(BEGIN_S * 1e6)
MINUTE_US = 60_000_000


@pytest.fixture
def console(store: Store) -> Iterator[Asking]:
    with asking(store) as asked:
        yield asked


def shown(console: Asking, query: str = "", status: int = 200) -> str:
    return console.page(f"/{query}", status=status)


def keep(store: Store, *minutes: tuple[int, int, float]) -> None:
    """Minutes of ``shop``: number, executions, sum of their durations."""
    own = {"application": "shop", "environment": "prod"}
    rows = [
        own | {"minute_us": BEGIN_US + number * MINUTE_US, "count": count, "total_ms": total}
        for number, count, total in minutes
    ]
    with store.write() as connection:
        connection.execute(insert(application_minutes), rows)


def test_a_young_application_has_fine_steps_and_no_line_before_it_was_known(store: Store) -> None:
    # What is scored comes in leaps, as of a past that is sent at once; what is kept says when it was.
    tell(store, "progress", *(progress(at, 120, errors=6) for at in (1, 121, 300)))
    keep(store, *((number, 60, 600.0) for number in range(4)), (4, 30, 900.0), (5, 1, 1.0))
    with store.read() as connection:
        (row,) = worst_first(connection, "", 0, 10)[2]
        scale = scale_of(row.first_seen_us, row.scored_through_us)
        own = signals(connection, [row], scale, row.scored_through_us)["shop", "prod"]
    assert (scale.step_s, scale.title) == (60, "36 minutes")
    assert own.rates[:31] == [None] * 31
    assert own.rates[31:] == [1.0, 1.0, 1.0, 1.0, 0.5]
    assert [value for value in own.durations if value is not None] == [10.0, 10.0, 10.0, 10.0, 30.0]
    assert (own.rate, own.share) == (0.9, 0.05)
    assert own.duration_ms == pytest.approx(3_300 / 270)


@pytest.mark.parametrize(("minutes", "known"), [(7, 3), (13, 12)])
def test_what_is_not_kept_yet_is_no_fall_of_traffic(store: Store, minutes: int, known: int) -> None:
    # It may be kept any moment: nothing is said of it. After that long nobody keeps any more: what is scored counts.
    tell(store, "progress", *(progress(60 * number + 1, 60) for number in range(minutes)))
    keep(store, (0, 60, 600.0), (1, 60, 600.0), (2, 60, 600.0), (3, 7, 70.0))
    with store.read() as connection:
        (row,) = worst_first(connection, "", 0, 10)[2]
        scale = scale_of(row.first_seen_us, row.scored_through_us)
        own = signals(connection, [row], scale, row.scored_through_us)["shop", "prod"]
    assert [rate for rate in own.rates if rate is not None] == [1.0] * known
    assert own.rate == 1.0


def test_without_kept_executions_traffic_is_what_was_scored_and_durations_are_not_known(console: Asking) -> None:
    tell(console.store, "progress", *(progress(60.0 * minute, 300, errors=3) for minute in range(200)))
    page = shown(console)
    assert "of the last 3 hours" in page
    assert page.count('class="spark"') == 2
    row = page.partition('<th scope="row">')[2].partition("</tr>")[0]
    assert re.findall(r'class="number">([^<]*)<', row) == ["5", "1 %", ""]


def test_an_application_without_executions_lately_is_said_to_have_none(console: Asking) -> None:
    tell(console.store, "progress", progress(0, 300), progress(9_000, 0))
    row = shown(console).partition('<th scope="row">')[2].partition("</tr>")[0]
    assert re.findall(r'class="number">([^<]*)<', row) == ["0", "", ""]


def test_any_of_many_applications_is_found_by_a_part_of_its_name_and_by_going_on(console: Asking) -> None:
    tell(console.store, "progress", *(progress(1, 1_000 - number, f"app-{number:03}_x") for number in range(120)))
    first = shown(console)
    assert "1 to 50 of 120" in first
    names = re.findall(r"/ui/applications/(app-\d+)", first)
    assert names == [f"app-{number:03}" for number in range(50)]
    last = shown(console, "?first=100")
    assert len(re.findall(r"/ui/applications/(app-\d+)", last)) == 20
    assert 'rel="next"' not in last
    assert 'href="?first=50" rel="prev"' in last
    found = shown(console, "?find=P-11")
    assert len(re.findall(r"/ui/applications/(app-11\d)", found)) == 10
    assert 'value="P-11"' in found
    assert "120 applications" in found  # all are counted, whatever is looked for
    assert "No application of that name" in shown(console, "?find=%25")  # it stands for itself
    assert len(re.findall(r"/ui/applications/(app-\d+)", shown(console, "?find=_x"))) == 50
    assert 'href="?find=_x&amp;first=50" rel="next"' in shown(console, "?find=_x")
    assert "That did not work" in shown(console, "?first=-1", 400)

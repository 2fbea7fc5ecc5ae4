"""An anomaly stands in what its operation did around that time, with where that usually lies."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.console.asking import Asking, asking
from tests.console.pages.executed import execute
from tests.console.pages.shop import fill
from tests.console.store.reader.told import BEGIN_S, anomaly
from tests.console.telling import tell
from tracehound.console.anomalies.around import around
from tracehound.console.store.engine import Store
from tracehound.schemas.anomaly import Anomaly, AnomalyEvent
from tracehound.schemas.execution import rfc3339

TIME = rfc3339(BEGIN_S + 75 * 60)


@pytest.fixture
def console(store: Store) -> Iterator[Asking]:
    with asking(store) as asked:
        fill(store)
        execute(store)
        yield asked


def of_shop(**told: Any) -> Anomaly:
    data = msgspec.json.decode(anomaly(7), type=AnomalyEvent).data
    return msgspec.structs.replace(data, **{"operation": "GET shop", **told})


def test_a_slow_operation_is_seen_to_leave_what_is_usual(console: Asking) -> None:
    with console.store.read() as connection:
        duration, traffic = around(connection, of_shop(), TIME)
    assert (duration.identity, traffic.identity) == ("duration", "traffic")
    assert duration.marked == [TIME]
    assert len(duration.lines[0].values) == 60
    at = duration.span.place(round((BEGIN_S + 71 * 60) * 1e6))
    measured, usual = duration.lines[0].values[at], duration.band[at]
    assert measured is not None
    assert usual is not None
    assert usual[1] < 200 < 500 <= measured


def test_what_is_shown_goes_by_what_is_unusual(console: Asking) -> None:
    with console.store.read() as connection:
        failing = around(connection, of_shop(kind="errors", operation="POST /orders"), TIME)
        whole = around(connection, of_shop(kind="traffic", operation=""), TIME)
        nothing = around(connection, of_shop(operation="none"), TIME)
        nobody = around(connection, of_shop(application="none"), TIME)
    assert [one.identity for one in failing] == ["errors", "traffic"]
    assert [one.identity for one in whole] == ["traffic", "errors"]
    assert (nothing, nobody) == ([], [])


def test_the_page_draws_it(console: Asking) -> None:
    event = msgspec.json.decode(anomaly(75 * 60), type=AnomalyEvent)
    event.data.operation = "GET shop"
    tell(console.store, "anomalies", msgspec.json.encode(event))
    headers = {"authorization": f"Bearer {console.keys['viewer'].key}"}
    page = console.client.get(f"/ui/anomalies/{event.id}", headers=headers).text
    assert f'id="series-duration" data-unit="ms" data-marked="{event.time}"' in page
    empty = console.client.get("/ui/anomalies/anomaly-1", headers=headers)
    assert empty.status_code == 200

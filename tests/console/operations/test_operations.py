"""The API tells where numbers of executions lie, within the error that it states, and over time."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.console.asking import Asking, asking
from tests.console.executions.kept import NOW_S, execution, keeper
from tracehound.console.executions.sketch import RELATIVE_ERROR
from tracehound.console.store.engine import Store
from tracehound.console.web.times import moment

HOUR_S = 3_600
BEGIN_S = NOW_S // HOUR_S * HOUR_S
OF_CART = {"application": "shop", "operation": "GET /cart"}


def _moment(at_s: float) -> str:
    return moment(int(at_s * 1e6))


@pytest.fixture
def durations(store: Store) -> list[float]:
    """Of the executions that are kept: an hour, one a second."""
    chance = random.Random(5)
    found = [chance.lognormvariate(3.0, 1.0) for _ in range(HOUR_S)]
    one = keeper(store)
    executions = [
        execution(
            *(BEGIN_S + number, "shop", "GET /cart"),
            duration_ms=duration,
            status="error" if number % 100 == 0 else "ok",
            result=500 if number % 100 == 0 else 200,
            attributes={"items": number % 7} if number % 2 else {},
        )
        for number, duration in enumerate(found)
    ]
    one.take(0, executions, len(executions))
    one.store()
    return found


@pytest.fixture
def console(store: Store) -> Iterator[Asking]:
    with asking(store) as asked:
        yield asked


def test_a_distribution_is_within_the_error_that_it_states(console: Asking, durations: list[float]) -> None:
    shares = [0.0, 0.1, 0.5, 0.9, 0.99, 1.0]
    told = console.get("/operations/distribution", **OF_CART, p=shares, buckets=20)
    assert (told["executions"], told["errors"], told["count"]) == (3_600, 36, 3_600)
    assert told["results"] == {"200": 3_564, "500": 36}
    assert told["relative_error"] == RELATIVE_ERROR
    ordered = sorted(durations)
    assert [one["p"] for one in told["quantiles"]] == shares
    for one in told["quantiles"]:
        true = ordered[int(one["p"] * (len(ordered) - 1))]
        assert one["value"] == pytest.approx(true, rel=RELATIVE_ERROR * 1.001)
    assert (told["low"], told["high"]) == (ordered[0], ordered[-1])
    assert told["mean"] == pytest.approx(sum(durations) / 3_600)
    assert sum(bucket["count"] for bucket in told["histogram"]) == 3_600
    assert 10 <= len(told["histogram"]) <= 20
    assert told["names"] == ["attributes.items", "duration_ms", "result"]


def test_attributes_and_results_are_numbers_too(console: Asking, durations: list[float]) -> None:
    told = console.get("/operations/distribution", **OF_CART, name="attributes.items", p=[0.0, 1.0])
    assert told["count"] == 1_800
    assert [one["value"] for one in told["quantiles"]] == [0.0, 6.0]
    assert console.get("/operations/distribution", **OF_CART, name="result", p=1.0)["quantiles"][0]["value"] == 500.0
    nothing = console.get("/operations/distribution", **OF_CART, name="attributes.none")
    assert (nothing["count"], nothing["quantiles"], nothing["histogram"], nothing["mean"]) == (0, [], [], None)
    assert nothing["executions"] == 3_600


def test_a_stretch_of_time_covers_whole_windows(console: Asking, durations: list[float]) -> None:
    stretch: dict[str, Any] = {"since": _moment(BEGIN_S + 630), "until": _moment(BEGIN_S + 1_200)}
    told = console.get("/operations/distribution", **OF_CART, **stretch)
    assert (told["since"], told["until"]) == (_moment(BEGIN_S + 600), _moment(BEGIN_S + 1_200))
    assert told["executions"] == 600
    empty = console.get("/operations/distribution", **OF_CART, since=_moment(BEGIN_S + 9 * HOUR_S))
    assert (empty["executions"], empty["since"], empty["names"]) == (0, None, [])


def test_over_time_each_stretch_is_told(console: Asking, durations: list[float]) -> None:
    told = console.get("/operations/over-time", **OF_CART, p=[0.5, 1.0], step_s=600)
    assert [one["start"] for one in told["stretches"]] == [_moment(BEGIN_S + 600 * number) for number in range(6)]
    for number, one in enumerate(told["stretches"]):
        of = durations[600 * number : 600 * (number + 1)]
        assert (one["executions"], one["errors"], one["width_s"], one["high"]) == (600, 6, 600, max(of))
        assert one["values"][0] == pytest.approx(sorted(of)[299], rel=RELATIVE_ERROR * 1.001)
    assert len(console.get("/operations/over-time", **OF_CART)["stretches"]) == 60


def test_operations_are_listed_in_pages(console: Asking, durations: list[float]) -> None:
    one = keeper(console.store)
    one.take(0, [execution(operation=f"op-{number}", application="other") for number in range(5)], 10_000)
    one.store()
    page = console.get("/operations", limit=4)
    rest = console.get("/operations", limit=4, cursor=page["next"])
    names = [item["operation"] for item in page["items"] + rest["items"]]
    assert sorted(names) == sorted(["GET /cart", *(f"op-{number}" for number in range(5))])
    assert rest["next"] is None
    assert len(console.get("/operations", application="other")["items"]) == 5


@pytest.mark.parametrize("path", ["/operations/distribution", "/operations/over-time"])
@pytest.mark.parametrize(
    ("wrong", "status"),
    [({"operation": "none"}, 404), ({"environment": "none"}, 404), ({"p": "2"}, 400), ({"step": "5"}, 400)],
)
def test_what_there_is_not_is_said(
    console: Asking, durations: list[float], path: str, wrong: dict[str, str], status: int
) -> None:
    answer = console.ask("GET", path, "viewer", params=OF_CART | wrong)
    assert answer.status_code == status
    assert answer.json()["detail"].endswith(".")

"""The pages of training and of a tuning: what it took and would take, who may start it, and what came of it."""

import html
import re
from typing import Any

import msgspec
import pytest

from tests.console.asking import Asking, asking
from tests.console.store.reader.told import BEGIN_S
from tests.console.telling import tell
from tests.console.training.test_training import event, progress, runs
from tracehound.console.store.engine import Store
from tracehound.console.training.page import METADATA, TRIED
from tracehound.schemas.application_settings import ApplicationSettings
from tracehound.schemas.tuning import TuningResult, TuningTask, cancellation


def shown(console: Asking, path: str, role: Any = "operator", status: int = 200) -> str:
    return html.unescape(console.page(path, role, status))


def tune(store: Store, least_sigma: list[float | None], done: int) -> list[TuningTask]:
    """A tuning of these candidates, of which the first are done: each finds as many incidents, and tells less."""
    tasks = [
        TuningTask(
            id=f"t{number}",
            tuning="t",
            number=number,
            application="shop",
            settings={} if value is None else {"least_sigma": value},
            partition=0,
            first=0,
            last=99,
            most_cpu_s=100.0,
            expires_at=BEGIN_S + 7_200,
            candidates=len(least_sigma),
            asked_at=BEGIN_S,
            by="somebody",
        )
        for number, value in enumerate(least_sigma)
    ]
    tell(store, "tuning_tasks", *map(msgspec.json.encode, tasks))
    for task in tasks[:done]:
        left = 10 - task.number
        result = TuningResult(
            id=task.id,
            tuning="t",
            number=task.number,
            settings=task.settings,
            state="done",
            executions=900,
            days=2.0,
            anomalies=2 * left,
            outside=2 * left,
            outside_a_day=float(left),
            cpu_s=5.0,
        )
        tell(store, "tuning_results", msgspec.json.encode(result))
    return tasks


def test_runs_stand_with_what_they_took_and_what_was_estimated(console: Asking) -> None:
    tell(console.store, "models", *runs(20), *runs(4, "bank"))
    tell(console.store, "progress", progress(900), progress(90, application="bank"))
    page = shown(console, "/training?limit=5")
    table = page.split('id="runs"')[1].split("</section>")[0]
    assert "24 runs took" in table
    assert table.count("on schedule") == 5
    assert 'rel="next"' in table
    assert page.index("What cost most") > page.index('id="runs"')
    alone = shown(console, "/training?application=bank")
    assert alone.split('id="runs"')[1].count("on schedule") == 4
    assert "What cost most" not in alone


def test_the_estimate_stands_before_the_button_that_starts_it(console: Asking) -> None:
    tell(console.store, "models", *runs())
    tell(console.store, "progress", progress(900), progress(90, application="bank"))
    page = shown(console, "/training?application=shop")
    assert "1, from 900 samples" in page
    assert re.search(r"From 20 trainings that were measured, half of the estimates were off by [\d.]+ % or less", page)
    assert '{"applications": [{"application": "shop", "environment": ""}]}' in page
    everything = shown(console, "/training")
    assert "2, from 990 samples" in everything
    assert "Train 2 applications: sure?" in everything
    assert "Train shop now" not in shown(console, "/training?application=shop", "viewer")
    assert "There is no application 'none'" in shown(console, "/training?application=none", status=404)


def test_what_was_started_says_how_far_it_is(console: Asking) -> None:
    tell(console.store, "models", event("asked", "training", BEGIN_S, 500, needed=1_024))
    tell(console.store, "progress", progress(256, BEGIN_S + 60))
    part = shown(console, "/training").split('id="started"')[1].split("</section>")[0]
    assert 'value="0.250"' in part
    assert "25 %" in part


def test_nothing_is_said_to_be_nothing(console: Asking) -> None:
    page = shown(console, "/training")
    assert "Nothing was scored yet." in page
    assert "None was told." in page


def test_settings_to_try_are_those_of_detection(console: Asking) -> None:
    tell(console.store, "progress", progress(900))
    page = shown(console, "/training?application=shop")
    assert re.findall(r'name="(\w+)" data-within="settings"', page) == list(TRIED)
    assert METADATA["least_sigma"]["meaning"] in page
    assert "data-within" not in shown(console, "/training?application=shop", "viewer")


@pytest.mark.parametrize("done", [0, 2, 3])
def test_a_tuning_shows_its_candidates_the_best_below_what_is(store: Store, done: int) -> None:
    with asking(store) as console:
        tune(store, [None, 5.0, 6.0], done)
        page = shown(console, "/tunings/t")
        assert f"{done} of 3 candidates tried" in page
        rows = re.findall(r'<th scope="row">(.*?)</th>', page)
        assert rows[0].startswith("as it is")
        assert ("Give it up" in page) is (done < 3)
        assert ("[detection]\nleast_sigma" in page) is (done >= 2)
        assert ("Use the best one" in page) is (done >= 2)
        if done == 3:
            assert rows[1] == "2 <strong>best</strong>"
            assert "least_sigma = 6.0" in page
        assert "Give it up" not in shown(console, "/tunings/t", "viewer")
        listed = shown(console, "/training")
        assert 'href="/ui/tunings/t"' in listed
        assert f"{done} of 3" in listed


def test_a_tuning_that_was_given_up_says_so(console: Asking) -> None:
    tune(console.store, [None, 5.0], 1)
    tell(console.store, "tuning_results", msgspec.json.encode(cancellation("t", "somebody")))
    page = shown(console, "/tunings/t")
    assert "Cancelled: 1 of 2" in page
    assert "Give it up" not in page


def test_settings_of_its_own_are_shown_and_taken_back_by_operators(console: Asking) -> None:
    tell(console.store, "progress", progress(900))
    assert "It has none: all are as the workers have them." in shown(console, "/training?application=shop")
    first = ApplicationSettings(application="shop", version=1, settings={"least_sigma": 5.0}, why="candidate 2")
    second = msgspec.structs.replace(first, version=2, settings={}, why="back to version 0")
    tell(console.store, "settings", *map(msgspec.json.encode, (first, second)))
    part = shown(console, "/training?application=shop").split('id="own"')[1].split("</section>")[0]
    assert re.findall(r'<th scope="row">(\d)</th>', part) == ["2", "1"]
    assert part.index("none: as the workers have them") < part.index("least_sigma = 5")
    assert "Go back from version 2: sure?" in part
    assert "sure?" not in shown(console, "/training?application=shop", "viewer")


def test_a_tuning_that_was_just_asked_for_is_waited_for(console: Asking) -> None:
    assert "There is no tuning none" in shown(console, "/tunings/none", status=404)
    page = shown(console, "/tunings/none?asked=1")
    assert "Kafka has its tasks." in page
    assert 'data-live="3"' in page

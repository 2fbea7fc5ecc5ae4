"""Commands on tunings and on settings of single applications, against a real console."""

import pytest

from tests.console.asking import Asking
from tests.console.store.reader.told import progress
from tests.console.telling import tell
from tests.console.tuning.test_tuning import result, start
from tests.scripts.console.test_commands import said, told
from tracehound.streams.settings.settings import CONSOLE_KEY


@pytest.fixture(autouse=True)
def operator(console: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(console.store, "progress", progress(0, 5))
    monkeypatch.setenv(CONSOLE_KEY, console.keys["operator"].key)


def stored(console: Asking) -> None:
    """What was sent last of settings, as the reader stores it."""
    tell(console.store, "settings", console.sender.records[-1].value)


def test_a_tuning_is_shown_and_its_best_settings_are_used_and_taken_back(console: Asking) -> None:
    usual, better, worse = start(console)
    tuning = usual.tuning
    assert told("tunings", "list")["items"] == console.get("/tunings")["items"]
    assert "waiting" in said("tunings", "list").stdout
    assert "no best one yet" in said("tunings", "apply", tuning, "--yes", status=2).stderr
    tell(
        console.store,
        "tuning_results",
        result(usual, anomalies=9, outside=8, outside_a_day=4.0, recall=0.5, confirmed=2, found=1),
        result(better, anomalies=3, outside=2, recall=1.0, confirmed=2, found=2),
        result(worse, state="cut", outside=1),
    )
    assert told("tunings", "show", tuning) == console.get(f"/tunings/{tuning}/results")
    shown = said("tunings", "show", tuning).stdout
    assert "shop: ended, 3 of 3 tried." in shown
    (best,) = (line for line in shown.splitlines() if line.startswith("best"))
    assert "least_sigma=4.5" in best
    assert "2 of 2" in best

    assert "is judged by least_sigma=4.5, version 1" in said("tunings", "apply", tuning, typed="y\n").stdout
    stored(console)
    assert told("tunings", "apply", tuning, "--candidate", "2", "--yes")["settings"] == {"least_sigma": 5.0}
    stored(console)
    listed = said("own-settings", "list").stdout
    assert [line.split()[3] for line in listed.splitlines()[1:]] == ["2", "1"]
    assert "candidate 2 of tuning" in listed
    back = said("own-settings", "revert", "shop", "--environment", "prod", "--version", "0").stdout
    assert "is judged by no settings of its own, version 3" in back


def test_nothing_is_used_where_nobody_says_yes(console: Asking) -> None:
    tasks = start(console)
    tell(console.store, "tuning_results", *map(result, tasks))
    sent = len(console.sender.records)
    said("tunings", "apply", tasks[0].tuning, typed="n\n", status=1)
    assert len(console.sender.records) == sent


def test_a_tuning_is_given_up_once(console: Asking) -> None:
    tuning = start(console)[0].tuning
    assert f"{tuning} is given up" in said("tunings", "cancel", tuning).stdout
    tell(console.store, "tuning_results", console.sender.records[-1].value)
    assert "cancelled" in said("tunings", "cancel", tuning, status=2).stderr
    said("tunings", "show", "nothing", status=7)


def test_settings_are_set_as_they_are_given(console: Asking) -> None:
    asked = ("own-settings", "set", "shop", "--environment", "prod", "--why", "noisy")
    assert told(*asked, "detection.least_sigma=5", "tail_score=9")["settings"] == {
        "least_sigma": 5.0,
        "tail_score": 9.0,
    }
    stored(console)
    assert told("own-settings", "list", "--application", "shop")["items"][0]["why"] == "noisy"
    assert "name=5. Got 'least_sigma' instead" in said(*asked, "least_sigma", status=2).stderr
    assert "least_sigma" in said(*asked, "least_sigma=99", status=2).stderr
    assert "none_such" in said(*asked, "none_such=1", status=2).stderr

"""Training that is started over the console, by a worker that is made up."""

import json
from collections.abc import Sequence

import msgspec
import pytest
from click.testing import CliRunner, Result

from tests.console.asking import Asking
from tests.console.store.reader.told import model_event, progress
from tests.console.telling import tell
from tracehound.schemas.model_event import ModelEventKind
from tracehound.scripts.cli import main
from tracehound.streams.http.sending import Record
from tracehound.streams.settings.settings import CONSOLE_KEY

SHOP = ("train", "shop", "--environment", "prod")


class Trainer:
    """Trains, or not, what it is asked to, and tells so."""

    def __init__(self, console: Asking, *changes: ModelEventKind) -> None:
        self.console, self.changes, self.asked = console, changes, list[dict[str, str]]()

    async def send(self, records: Sequence[Record]) -> None:
        self.asked += [msgspec.json.decode(one.value) for one in records]
        events = []
        for number, change in enumerate(self.changes):
            event = msgspec.json.decode(model_event(100 + number, change))
            event["data"] |= {"model": "all"} if change == "training_failed" else {}
            events.append(msgspec.json.encode(event))
        if events:
            tell(self.console.store, "models", *events)


@pytest.fixture(autouse=True)
def known(console: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(console.store, "progress", progress(0.0, 500))
    monkeypatch.setenv(CONSOLE_KEY, console.keys["operator"].key)


def train(console: Asking, *arguments: str, changes: Sequence[ModelEventKind] = (), typed: str = "") -> Result:
    trainer = Trainer(console, *changes)
    console.sender.send = trainer.send  # type: ignore[method-assign]
    result = CliRunner().invoke(main, arguments, input=typed)
    result.asked = trainer.asked  # type: ignore[attr-defined]
    return result


def asked(result: Result) -> list[tuple[str, str]]:
    return [(one["verb"], one["application"]) for one in result.asked]  # type: ignore[attr-defined]


def test_what_it_takes_is_said_first(console: Asking) -> None:
    estimated = train(console, *SHOP, "--estimate", "--json")
    where = {"application": "shop", "environment": "prod"}
    assert json.loads(estimated.stdout)["items"] == [console.get("/training/estimate", **where)]
    assert "shop" in train(console, "train", "--estimate").stdout
    refused = train(console, *SHOP, typed="n\n")
    assert (refused.exit_code, asked(refused)) == (1, [])
    agreed = train(console, *SHOP, typed="y\n")
    assert agreed.exit_code == 0, agreed.output
    assert asked(agreed) == [("refit", "shop")]


def test_its_end_is_waited_for(console: Asking) -> None:
    tell(console.store, "models", model_event(1, "training"), model_event(2, "trained"))  # of long ago
    done = train(console, *SHOP, "--yes", "--wait", "120s", changes=("training", "trained"))
    assert done.exit_code == 0, done.output
    assert "shop: trained." in done.stdout


def test_training_that_fails_says_so(console: Asking) -> None:
    failed = train(console, *SHOP, "--yes", "--wait", "120s", "--json", changes=("training_failed",))
    assert failed.exit_code == 1, failed.output
    assert json.loads(failed.stdout)["started"][0]["state"] == "failed"


def test_training_that_does_not_come_has_a_status_of_its_own(console: Asking) -> None:
    late = train(console, *SHOP, "--yes", "--wait", "1s", changes=("training",))
    assert late.exit_code == 8
    assert "within 1 s. That of shop has not" in late.stderr


def test_who_is_not_known_is_refused(console: Asking) -> None:
    assert train(console, "train", "nobody", "--yes").exit_code == 7
    assert train(console, "train").exit_code == 2

"""Training and tuning in a real browser: started with an estimate, followed, compared and given up."""

from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, expect

from tests.console.asking import asking
from tests.console.pages.shop import HOSTILE
from tests.console.pages.visiting import Visitor
from tests.console.served import served_in_thread
from tests.console.store.reader.told import progress
from tests.console.telling import tell
from tests.console.training.test_training import runs
from tracehound.console.store.engine import Store
from tracehound.schemas.application_settings import read_application_settings
from tracehound.schemas.control import read_control
from tracehound.schemas.tuning import TuningResult, read_tuning_task


def test_training_is_started_with_an_estimate_and_settings_are_tried(visitor: Visitor) -> None:
    store, sent = visitor.console.store, visitor.console.sender.records
    tell(store, "models", *runs())
    tell(store, "progress", progress(0, 900))
    visitor.sign_in()
    page = visitor.page
    page.get_by_role("link", name="Training").click()
    page.get_by_label("Application", exact=True).fill("shop")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_text("1, from 900 samples")).to_be_visible()
    visitor.judge("training")
    page.get_by_role("button", name="Train shop now").click()
    expect(page.get_by_text("Kafka has it.")).to_be_visible()
    assert (read_control(sent[0].value).verb, read_control(sent[0].value).environment) == ("refit", "prod")

    form = page.locator("form[data-path='/api/v1/tunings']")
    form.get_by_label("least_sigma").fill("2")
    form.get_by_role("button", name="Try them").click()
    expect(form.get_by_role("status")).to_contain_text("'least_sigma' must be from 3 to 40")
    visitor.complaints.clear()  # the browser says that a request was refused
    form.get_by_label("least_sigma").fill("5, 6")
    form.get_by_label("minimum_excess_ms").fill("10")
    form.get_by_role("button", name="Try them").click()
    page.wait_for_url("**/ui/tunings/*?asked=1")
    expect(page.get_by_text("This page shows them by itself")).to_be_visible()
    values = [one.value for one in sent[1:]]
    tasks = [read_tuning_task(one) for one in values]
    assert [task.settings for task in tasks] == [
        {},
        {"least_sigma": 5.0, "minimum_excess_ms": 10.0},
        {"least_sigma": 6.0, "minimum_excess_ms": 10.0},
    ]

    tell(store, "tuning_tasks", *values)
    expect(page.get_by_text("0 of 3 candidates tried")).to_be_visible()
    for task, outside in zip(tasks[:2], (8, 2), strict=True):
        told = {"days": 1.0, "anomalies": outside, "outside": outside, "outside_a_day": float(outside), "cpu_s": 3.0}
        whose = {"id": task.id, "tuning": task.tuning, "number": task.number, "settings": task.settings}
        result = msgspec.convert({**whose, **told, "state": "done", "executions": 900}, TuningResult)
        tell(store, "tuning_results", msgspec.json.encode(result))
    expect(page.get_by_text("2 of 3 candidates tried")).to_be_visible()
    expect(page.locator("tr.chosen")).to_contain_text("best")
    visitor.judge("tuning")
    assert visitor.press_twice("Use the best one") == "Judge shop by candidate 1: sure?"
    expect(page.get_by_text("Kafka has them.")).to_be_visible()
    used = read_application_settings(None, sent[-1].value)
    assert (used.version, used.settings) == (1, tasks[1].settings)
    tell(store, "settings", sent[-1].value)
    page.reload()
    expect(page.locator("#own + .wide tbody tr")).to_contain_text("least_sigma = 5")
    assert visitor.press_twice("Go back to the version before") == "Go back from version 1: sure?"
    expect(page.get_by_text("Kafka has it.")).to_be_visible()
    assert read_application_settings(None, sent[-1].value).settings == {}
    visitor.judge("tuning-used")
    assert visitor.press_twice("Give it up") == "Give it up: sure?"
    expect(page.get_by_text("Given up.")).to_be_visible()
    assert sent[-1].topic == "tracehound.tuning-results.v1"
    assert visitor.complaints == []


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_hostile_names_on_a_phone(browser: Browser, one_store: Store, scheme: Any) -> None:
    with asking(one_store) as console, served_in_thread(console.client.app) as url:
        visiting = Visitor(browser, console, url, viewport={"width": 360, "height": 740}, color_scheme=scheme)
        page, dialogs = visiting.page, list[str]()
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        tell(one_store, "models", *runs(5, HOSTILE))
        tell(one_store, "progress", progress(0, 900, HOSTILE))
        visiting.sign_in("/ui/training")
        page.get_by_label("Application", exact=True).fill(HOSTILE)
        page.get_by_role("button", name="Show", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(HOSTILE)
        expect(page.get_by_role("button", name=f"Train {HOSTILE} now")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        visiting.judge(f"phone-{scheme}-training")
        assert (dialogs, visiting.complaints) == ([], [])
        page.context.close()

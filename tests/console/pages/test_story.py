"""Somebody who has just installed it, from an empty page to a verdict: real processes on Kafka, the demo's data."""

import io
import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.console.pages.visiting import Guest, press_twice
from tracehound.console.keys.queries import add_key
from tracehound.console.store.engine import Store
from tracehound.infra.kafka.broker import Broker
from tracehound.infra.kafka.ports import free_ports
from tracehound.schemas.topics import Topics
from tracehound.scripts.commands.worker_process import WorkerProcess
from tracehound.streams.http.keys import NewKey, new_key

PATIENCE_MS = 150_000
RECEIVERS = '{"team": {"kind": "webhook", "url": "%s", "secret_env": "STORY_HOOK"}}'


@pytest.fixture
def running(
    tmp_path: Path, embedded_kafka: Broker, prefix: str, received: tuple[str, list[Any]]
) -> Iterator[tuple[str, NewKey]]:
    """A worker, incidents and a console, each a process, on empty topics: its address and an operator's key."""
    topics, url, key = Topics(prefix, 2), f"sqlite:///{tmp_path}/console.db", new_key()
    embedded_kafka.create_topics(topics)
    store = Store(url)
    store.migrate()
    with store.write() as connection:
        add_key(connection, key, "operator", "story", "test", 0, None)
    store.close()
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": embedded_kafka.bootstrap_servers,
        "TRACEHOUND_TOPIC_PREFIX": prefix,
        "TRACEHOUND_PARTITIONS": "2",
        "TRACEHOUND_GROUP_ID": f"{prefix}group",
        "TRACEHOUND_INCIDENT_WORKER__GROUP_ID": f"{prefix}incidents",
        "TRACEHOUND_CONSOLE__GROUP_ID": f"{prefix}console",
        "TRACEHOUND_KEPT_EXECUTIONS__GROUP_ID": f"{prefix}executions",
        "TRACEHOUND_INTAKE__OTLP_TOPICS": "",
        "TRACEHOUND_BROKER_IS_EMBEDDED": "true",
        "TRACEHOUND_SILENCE_INTERVAL_S": "1",
        "TRACEHOUND_PROGRESS_INTERVAL_S": "1",
        "TRACEHOUND_CONSOLE__DATABASE_URL": url,
        "TRACEHOUND_NOTIFY__RECEIVERS": RECEIVERS % received[0],
        "TRACEHOUND_NOTIFY__ROUTES": '[{"receivers": ["team"]}]',
        "STORY_HOOK": "a secret of 24 bytes or so",
    }
    with ExitStack() as stack:
        processes = [
            stack.enter_context(WorkerProcess(tmp_path, environment, free_ports(1)[0], kind))
            for kind in ("worker", "incidents", "console")
        ]
        deadline = time.monotonic() + 300
        while not all(process.is_ready() for process in processes):
            for process in processes:
                process.check()
            assert time.monotonic() < deadline, [process.end_of_log() for process in processes]
            time.sleep(0.2)
        yield processes[-1].address, key


def picture(visitor: Guest, name: str) -> None:
    """Judge the page; where ``PAGE_IMAGES`` names a folder, keep there what is seen of it, small (``make images``)."""
    visitor.judge(f"story-{name}")
    if folder := os.environ.get("PAGE_IMAGES"):
        seen = Image.open(io.BytesIO(visitor.page.screenshot())).convert("RGB").quantize(48, dither=Image.Dither.NONE)
        seen.save(Path(folder) / f"{name}.png", optimize=True)


def tune(visitor: Guest) -> None:
    """Try settings on what the worker has scored, within a budget, and use one of them."""
    page, form = visitor.page, visitor.page.locator("form[data-path='/api/v1/tunings']")
    form.get_by_label("least_sigma").fill("5, 6")
    form.get_by_label("At most").fill("4")
    form.get_by_label("CPU seconds").fill("120")
    form.get_by_role("button", name="Try them").click()
    page.wait_for_url("**/ui/tunings/*?asked=1")
    expect(page.locator("main")).to_contain_text("of 120 s of CPU are used")  # by itself, from here on
    visitor.judge("story-tuning-begins")
    expect(page.locator("main")).to_contain_text("Ended: 3 of 3 candidates tried")
    expect(page.locator("tr.chosen")).to_contain_text("best")
    expect(page.get_by_role("row").filter(has_text="as it is")).to_contain_text("1 of 1")  # what was confirmed above
    visitor.judge("story-tuning")
    use = page.locator("""button[data-content='{"candidate": 2}']""")
    assert press_twice(use) == "Judge orders by candidate 2: sure?"
    expect(page.get_by_text("Kafka has them.")).to_be_visible()
    expect(page.locator("#own + .wide tbody tr")).to_contain_text("least_sigma = 6")
    visitor.judge("story-tuning-used")


def test_from_an_empty_page_to_what_was_it(
    browser: Browser, running: tuple[str, NewKey], received: tuple[str, list[Any]]
) -> None:
    address, key = running
    visitor = Guest(browser, address, viewport={"width": 1000, "height": 640})
    visitor.enter(key.key)
    page = visitor.page
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)

    expect(page.get_by_role("heading", name="Nothing has come yet")).to_be_visible()
    picture(visitor, "first-run")
    page.get_by_role("button", name="Show me with the demo's data").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"\d+ open incident"))  # by itself
    suspected = page.locator(".incidents li").filter(has_text="suspected: orders-db")
    expect(suspected.first).to_be_visible()
    picture(visitor, "overview")

    suspected.get_by_role("link").first.click()
    expect(page.locator(".suspects strong").first).to_have_text("orders-db")
    waits = page.locator(".incidents li").filter(has_text=re.compile(", orders [A-Z]"))
    execution = waits.get_by_role("link", name="an execution beside a usual one").first
    expect(execution).to_be_visible()
    picture(visitor, "incident")

    execution.click()
    row = page.locator(".waterfall .row").filter(has_text="orders-db").first
    expect(row.locator(".ghost").first).to_be_attached()
    page.locator("#execution").scroll_into_view_if_needed()
    picture(visitor, "anomaly")
    page.go_back()

    page.get_by_role("button", name="It was right").click()
    expect(page.locator(".preview")).to_contain_text("This verdict would have silenced none")
    page.get_by_role("button", name="Say so").click()
    expect(page.locator(".preview")).to_contain_text("Said.")
    page.reload()
    deadline = time.monotonic() + 150
    while "It was right, said" not in page.content():  # it went through Kafka
        assert time.monotonic() < deadline
        page.wait_for_timeout(500)
        page.reload()

    page.goto("/ui/training?application=orders&environment=demo")
    expect(page.get_by_role("heading", name="What training now would take")).to_be_visible()
    expect(page.locator("main")).to_contain_text("they judge")  # an estimate, before anything is started
    page.get_by_role("button", name="Train orders now").click()
    expect(page.get_by_role("status").filter(has_text="Kafka has it.")).to_be_visible()
    picture(visitor, "training")
    tune(visitor)

    page.goto("/ui/receivers")
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_role("row", name="team").get_by_role("status")).to_have_text("It has taken the test.")
    assert [one["data"]["state"] for one in received[1]] == ["open", "resolved"]

    page.goto("/ui/status")
    expect(page.get_by_role("row", name="tracehound worker")).to_be_visible()
    expect(page.locator("main")).to_contain_text("are judged")
    visitor.judge("story-status")
    assert visitor.complaints == []
    page.context.close()

"""Logs in a real browser: found, opened, followed as they come; hostile messages as text, on a phone too."""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.console.asking import asking
from tests.console.logs.events import scored, store_burst, store_logs
from tests.console.pages.shop import HOSTILE
from tests.console.pages.visiting import Visitor
from tests.console.served import served_in_thread
from tests.console.store.reader.told import BEGIN_S
from tracehound.console.store.engine import Store

BEGIN = round(BEGIN_S * 1e6)


def log(store: Store, message: str = "order paid") -> None:
    told = [
        scored(f"log-{n}", f"{message} {n}", BEGIN, template=message, attributes={message: message}) for n in range(9)
    ]
    failed = scored("failed", "payment refused", BEGIN, level="error", template_id="2", application=message)
    store_logs(store, [*told, failed], [BEGIN + number * 1_000_000 for number in range(10)])
    store_burst(store, "burst", "shop logs", message, BEGIN)


def test_logs_are_found_opened_and_followed(visitor: Visitor) -> None:
    log(visitor.console.store)
    visitor.sign_in()
    page, events = visitor.page, visitor.page.locator(".events li")
    page.get_by_role("link", name="Logs").click()
    expect(events).to_have_count(10)
    expect(page.locator("figure canvas")).to_have_count(1)
    visitor.judge("logs")
    page.get_by_label("Level").select_option("info")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(events).to_have_count(9)
    page.get_by_role("link", name="Follow").click()
    page.wait_for_url("**follow=1*")
    events.first.locator("summary").click()
    expect(events.first.locator("dl")).to_be_visible()
    visitor.judge("logs-open")
    store_logs(visitor.console.store, [scored("later", "order paid late", BEGIN)], [BEGIN + 20_000_000])
    expect(events).to_have_count(10)  # by itself
    expect(events.first).to_contain_text("order paid late")
    expect(events.nth(1).locator("dl")).to_be_visible()  # what was open stays so
    page.get_by_role("link", name="Stop following").click()
    assert visitor.complaints == []


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_hostile_messages_on_a_phone(browser: Browser, one_store: Store, scheme: Any) -> None:
    with asking(one_store) as console, served_in_thread(console.client.app) as url:
        visiting = Visitor(browser, console, url, viewport={"width": 360, "height": 740}, color_scheme=scheme)
        dialogs = list[str]()
        visiting.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        log(one_store, HOSTILE * 5)
        visiting.sign_in("/ui/logs")
        page = visiting.page
        page.locator(".events summary").nth(1).click()
        expect(page.locator(".events dl dt").filter(has_text=HOSTILE).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        visiting.judge(f"phone-{scheme}-logs")
        assert (dialogs, visiting.complaints) == ([], [])
        page.context.close()

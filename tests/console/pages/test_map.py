"""The call map in a real browser: drawn, led through by keys, hostile names as text, on a phone too."""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.console.asking import asking
from tests.console.pages.shop import HOSTILE, fill
from tests.console.pages.visiting import Visitor
from tests.console.served import served_in_thread
from tracehound.console.store.engine import Store


def test_the_map_leads_to_applications(visitor: Visitor) -> None:
    fill(visitor.console.store)
    visitor.sign_in()
    page = visitor.page
    page.get_by_role("link", name="Call map").click()
    expect(page.locator(".map rect")).to_have_count(2)
    visitor.judge("map")
    page.goto("/ui/map?incident=shop")
    expect(page.locator(".map .marked")).to_have_count(1)
    visitor.judge("map-incident")
    page.locator(".map a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/applications/*")
    page.get_by_role("link", name="Who calls it").click()
    page.wait_for_url("**/ui/map?application=*")
    expect(page.locator(".map rect")).to_have_count(2)
    assert visitor.complaints == []


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_hostile_names_on_a_phone(browser: Browser, one_store: Store, scheme: Any) -> None:
    with asking(one_store) as console, served_in_thread(console.client.app) as url:
        visiting = Visitor(browser, console, url, viewport={"width": 360, "height": 740}, color_scheme=scheme)
        dialogs = list[str]()
        visiting.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        fill(one_store, HOSTILE)
        visiting.sign_in("/ui/map")
        page = visiting.page
        expect(page.locator(".map title").filter(has_text=HOSTILE).first).to_be_attached()
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        visiting.judge(f"phone-{scheme}-map")
        assert (dialogs, visiting.complaints) == ([], [])
        page.context.close()

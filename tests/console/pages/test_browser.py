"""The pages in a real browser, as somebody uses them who has never seen them: Debian's Chromium."""

import re
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Dialog, expect

from tests.console.asking import asking
from tests.console.pages.shop import HOSTILE, fill
from tests.console.pages.visiting import Visitor
from tests.console.served import served_in_thread
from tracehound.console.store.engine import Store
from tracehound.schemas.feedback import Maintenance


def test_from_an_empty_page_to_a_verdict(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/ui/")
    page.get_by_label("Key").fill("th_00000000_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("The key of the request must be known")
    visitor.judge("sign-in")
    visitor.complaints.clear()  # the browser says that a request was refused

    visitor.sign_in()
    expect(page.get_by_role("heading", name="Nothing has come yet")).to_be_visible()
    visitor.judge("first-run")
    fill(visitor.console.store)
    expect(page.get_by_role("heading", name="1 open incident")).to_be_visible()  # by itself
    visitor.judge("overview")

    page.get_by_role("link", name="shop is slow").first.click()
    expect(page.get_by_text("It explains 80 %.")).to_be_visible()
    visitor.judge("incident")
    page.get_by_role("link", name="shop took 900 ms").first.click()
    rows = page.locator(".waterfall .row")
    expect(rows).to_have_count(3)  # the whole, forty statements as one, and the call
    expect(rows.nth(1)).to_contain_text("SELECT shop × 40")
    expect(rows.nth(2).locator(".gap")).to_have_count(1)
    expect(rows.nth(2).locator(".ghost")).to_have_count(1)
    expect(rows.nth(2)).to_have_class(re.compile("error"))
    visitor.judge("anomaly")

    page.get_by_role("button", name="It was nothing").click()
    expect(page.locator(".preview")).to_contain_text("would have silenced")
    assert visitor.console.sender.records == []
    page.get_by_role("button", name="Say so").click()
    expect(page.locator(".preview")).to_contain_text("Said.")
    assert b'"false_positive"' in visitor.console.sender.records[0].value
    assert visitor.complaints == []

    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/ui/sign-in")


def test_a_long_execution_has_only_the_rows_in_view_and_is_walked_by_keys(visitor: Visitor) -> None:
    fill(visitor.console.store, segments=900)
    visitor.sign_in("/ui/anomalies/anomaly-1")
    page, rows = visitor.page, visitor.page.locator(".waterfall .row")
    expect(rows).to_have_count(3)
    rows.first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    grid = page.get_by_role("treegrid")
    expect(grid).to_have_attribute("aria-rowcount", "903")
    assert 20 < rows.count() < 60
    page.keyboard.press("End")
    expect(page.locator(".waterfall .row:focus")).to_contain_text("GET shop")
    assert rows.count() < 60
    page.keyboard.press("Home")
    expect(page.locator(".waterfall .row:focus")).to_contain_text("whole execution")
    assert visitor.complaints == []


def test_maintenance_is_announced_from_an_incident_and_the_page_waits_for_who_is_at_work(visitor: Visitor) -> None:
    fill(visitor.console.store)
    visitor.sign_in("/ui/incidents/shop")
    page = visitor.page
    expect(page.locator(".drawing a")).to_have_count(2)  # shop, where it is noticed, calls stock
    form = page.locator("form[data-path='/api/v1/maintenance']")
    form.locator("[name=application]").select_option("stock")
    form.get_by_label("Note").fill("new disks")
    form.get_by_label("models learn it").check()
    form.get_by_role("button", name="Announce").click()
    expect(form.get_by_role("status")).to_have_text(re.compile("^Announced"))
    sent = msgspec.json.decode(visitor.console.sender.records[0].value, type=Maintenance)
    assert (sent.application, sent.environment, sent.learn, sent.note) == ("stock", "prod", True, "new disks")
    assert 7_190 < sent.ends_at - sent.starts_at < 7_210
    page.get_by_role("button", name="End it now").click()
    expect(page.get_by_text("Ended.")).to_be_visible()
    assert b'"window"' in visitor.console.sender.records[1].value
    assert visitor.complaints == []


def test_hostile_names_stay_text_in_the_browser_too(visitor: Visitor) -> None:
    page, dialogs = visitor.page, list[str]()

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    fill(visitor.console.store, HOSTILE)
    visitor.sign_in("/ui/anomalies/anomaly-1")
    expect(page.locator(".waterfall .row").nth(1)).to_contain_text(HOSTILE)
    page.goto("/ui/")
    page.locator("tbody a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("<script>alert(1)</script>")
    assert (dialogs, visitor.complaints) == ([], [])


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_on_a_phone_nothing_is_cut_off(browser: Browser, one_store: Store, scheme: Any) -> None:
    with asking(one_store) as console, served_in_thread(console.client.app) as url:
        narrow = {"width": 360, "height": 740}
        visiting = Visitor(browser, console, url, viewport=narrow, color_scheme=scheme, timezone_id="Asia/Tokyo")
        fill(one_store)
        visiting.sign_in()
        for path in ("/ui/", "/ui/incidents/shop", "/ui/anomalies/anomaly-1", "/ui/applications/shop?environment=prod"):
            visiting.page.goto(path)
            expect(visiting.page.locator("#zone")).to_have_text("Asia/Tokyo")
            wide = visiting.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, path
            visiting.judge(f"phone-{scheme}-{path.split('/')[2] or 'overview'}")
        visiting.page.context.close()

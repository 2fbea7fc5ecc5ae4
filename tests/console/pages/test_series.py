"""Series in a real browser: drawn under the strict policy, read by keys, and readable where they cannot be drawn."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.console.asking import asking
from tests.console.pages.executed import execute
from tests.console.pages.shop import HOSTILE, fill, write
from tests.console.pages.visiting import Visitor
from tests.console.served import served_in_thread
from tests.console.store.reader.told import TOPICS, incident, progress
from tracehound.console.store.engine import Store

SHOP = "/ui/applications/shop?environment=prod"


def test_an_application_is_looked_at_and_one_of_its_operations(visitor: Visitor) -> None:
    fill(visitor.console.store)
    execute(visitor.console.store)
    visitor.sign_in(SHOP)
    page = visitor.page
    expect(page.locator("figure canvas")).to_have_count(4)
    traffic = page.locator("#series-traffic")
    expect(traffic.locator(".readout")).to_contain_text("A second: 10, usually 10 to 10.")
    visitor.judge("application")

    plot = traffic.locator(".plot")
    plot.focus()
    plot.press("Home")
    first = traffic.locator(".readout").text_content()
    plot.press("ArrowRight")
    expect(traffic.locator(".readout")).not_to_have_text(str(first))
    traffic.get_by_text("As a table").click()
    expect(traffic.locator("tbody tr")).to_have_count(60)
    visitor.judge("application-table")
    write(visitor.console.store, TOPICS.progress, [progress(60 * 95, 600)])
    write(visitor.console.store, TOPICS.severity, [incident("news", 1, "opened")])
    expect(page.get_by_role("link", name="news is slow")).to_be_visible()  # by itself
    expect(traffic.locator("tbody tr").first).to_be_visible()  # what was open stays so
    expect(page.locator("figure canvas")).to_have_count(4)

    page.get_by_role("link", name="GET shop").click()
    expect(page.get_by_role("heading", name="Signals of GET shop")).to_be_visible()
    expect(page.locator("figure canvas")).to_have_count(3)
    page.locator("#hours-filter").select_option("6 hours")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url(re.compile(r"operation=GET.shop.*hours=6"))
    expect(page.locator("#series-duration tbody tr")).to_have_count(72)
    assert visitor.complaints == []


def test_where_the_library_does_not_come_the_tables_are_open(visitor: Visitor) -> None:
    def refuse(route: Route) -> None:
        route.abort()

    fill(visitor.console.store)
    visitor.page.route("**/uPlot.esm.js", refuse)
    visitor.sign_in(SHOP)
    expect(visitor.page.locator("#series-traffic tbody tr").first).to_be_visible()
    expect(visitor.page.locator("#series-traffic .readout")).to_contain_text("cannot be drawn")


def test_hostile_names_stay_text_in_charts(visitor: Visitor) -> None:
    dialogs = list[str]()
    visitor.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    fill(visitor.console.store, HOSTILE)
    execute(visitor.console.store, HOSTILE)
    visitor.sign_in()
    visitor.page.locator("tbody a").first.click()
    visitor.page.get_by_role("link", name=f"GET {HOSTILE}").click()
    expect(visitor.page.get_by_role("heading", name=f"Signals of GET {HOSTILE}")).to_be_visible()
    expect(visitor.page.locator("figure canvas")).to_have_count(3)
    assert (dialogs, visitor.complaints) == ([], [])


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_on_a_phone_in_another_zone(browser: Browser, one_store: Store, scheme: Any) -> None:
    with asking(one_store) as console, served_in_thread(console.client.app) as url:
        narrow = {"width": 360, "height": 740}
        visiting = Visitor(browser, console, url, viewport=narrow, color_scheme=scheme, timezone_id="Asia/Tokyo")
        fill(one_store)
        execute(one_store)
        visiting.sign_in(SHOP)
        page = visiting.page
        expect(page.locator("figure canvas")).to_have_count(4)
        expect(page.locator("#series-traffic .readout")).to_contain_text("10:28")  # 01:28 in UTC
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        visiting.judge(f"phone-{scheme}-application-signals")
        page.emulate_media(media="print")
        expect(page.locator("#series-traffic .readout")).to_be_hidden()
        expect(page.locator("figure canvas")).to_have_count(4)
        assert visiting.complaints == []
        page.context.close()

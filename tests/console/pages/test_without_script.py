"""Pages where no script runs: they are signed in to and read, and offer nothing that would not work."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.console.asking import asking
from tests.console.pages.shop import HOSTILE, fill
from tests.console.pages.visiting import Visitor
from tests.console.served import served_in_thread
from tracehound.console.store.engine import Store


@pytest.mark.parametrize("name", ["shop", HOSTILE], ids=["plain", "hostile"])
def test_somebody_without_javascript_reads_what_broke(browser: Browser, one_store: Store, name: str) -> None:
    with asking(one_store) as console, served_in_thread(console.client.app) as url:
        fill(one_store, name)
        visiting = Visitor(browser, console, url, java_script_enabled=False)
        page = visiting.page
        page.goto("/ui/incidents?state=open")
        page.get_by_label("Key").fill("th_00000000_wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("The key of the request must be known")
        page.get_by_label("Key").fill(console.keys["operator"].key)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/ui/incidents?state=open")
        expect(page.locator("noscript p")).to_be_visible()
        page.get_by_role("link", name=f"{name} is slow").first.click()
        expect(page.get_by_text("It explains 80 %.")).to_be_visible()
        expect(page.get_by_role("button", name=re.compile("It was|Announce|End it"))).to_have_count(0)
        page.get_by_role("link", name=f"{name} took 900 ms").first.click()
        expect(page.locator("noscript pre")).to_contain_text("|###| 900 ms")  # the waterfall as text
        page.get_by_role("main").get_by_role("link", name=name, exact=True).first.click()
        page.get_by_text("As a table").first.click()
        expect(page.locator("figure.series table").first).to_be_visible()
        page.context.close()

"""The pages in a real browser, as somebody uses them who has never seen them: Debian's Chromium."""

import re
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Dialog, expect

from tests.console.asking import asking
from tests.console.pages.shop import HOSTILE, fill, refuse, write
from tests.console.pages.visiting import Visitor, press_twice
from tests.console.served import served_in_thread
from tests.console.store.reader.told import TOPICS, incident
from tracehound.console.store.engine import Store
from tracehound.schemas.feedback import Maintenance
from tracehound.streams.settings.notify import NotifySettings


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

    page.get_by_text("More", exact=True).click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    page.keyboard.press("Enter")  # which is where the keyboard still is
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


def test_an_operator_sends_a_test_and_dead_letters_again(
    browser: Browser, one_store: Store, received: tuple[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, posted = received
    addresses = {"team": url, "gone": "http://127.0.0.1:9/"}
    receivers = {name: {"kind": "webhook", "url": at, "secret_env": "HOOK"} for name, at in addresses.items()}
    monkeypatch.setenv("HOOK", "a secret of 24 bytes or so")
    notify = {"receivers": receivers, "routes": [{"receivers": ["team", "gone"], "severity": "major"}]}
    fill(one_store)
    refuse(one_store, HOSTILE, b"\x00\xff<b>not JSON", offset=1)
    with (
        asking(one_store, NotifySettings.model_validate(notify)) as console,
        served_in_thread(console.client.app) as at,
    ):
        visitor = Visitor(browser, console, at)
        visitor.sign_in("/ui/receivers")
        page, sent = visitor.page, console.sender.records
        page.get_by_role("row", name="team").get_by_role("button", name="Send a test").click()
        expect(page.get_by_role("row", name="team").get_by_role("status")).to_have_text("It has taken the test.")
        assert [one["data"]["state"] for one in posted] == ["open", "resolved"]
        page.get_by_role("row", name="gone").get_by_role("button", name="Send a test").click()
        expect(page.get_by_role("row", name="gone").get_by_role("status")).to_contain_text("It has not taken the test")
        visitor.judge("receivers")

        page.get_by_text("More", exact=True).click()
        page.get_by_role("link", name="Dead letters").click()
        page.get_by_role("checkbox").first.check()
        page.get_by_role("button", name="Send the chosen ones again").click()
        expect(page.get_by_role("status").first).to_have_text("Kafka has 1 of them again.")
        visitor.judge("dead-letters")
        page.get_by_role("link", name=f"{HOSTILE} is none.").click()
        expect(page.locator(".bytes")).to_have_text(r"\x00\xff<b>not JSON")
        again = page.get_by_role("button", name="Send it again")
        assert press_twice(again).endswith("sure?")
        expect(page.get_by_text("Kafka has 1 of them again.")).to_be_visible()
        assert [one.value for one in sent] == [b"\x00\xff<b>not JSON"] * 2
        visitor.judge("dead-letter")
        assert visitor.complaints == []
        page.context.close()


def test_an_admin_makes_a_key_that_is_shown_once_and_takes_it_back(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in("/ui/keys", "admin")
    form = page.locator("form[data-path='/api/v1/keys']")
    form.get_by_label("Name").fill(HOSTILE)
    form.locator("[name=role]").select_option("operator")
    form.locator("[name=expires_in_days]").select_option("30")
    form.get_by_role("button").click()
    told = form.get_by_role("status")
    expect(told).to_contain_text("shown this once: th_")
    key = (told.text_content() or "").split()[-1]
    page.reload()
    row = page.get_by_role("row").filter(has_text=HOSTILE)
    expect(row).to_contain_text(key[:11])
    assert key not in page.content()
    visitor.judge("keys")
    assert press_twice(row.get_by_role("button", name="Take back")).endswith("Sure?")
    expect(row.get_by_role("status")).to_have_text("Taken back.")
    page.goto("/ui/audit")
    expect(page.get_by_role("row").nth(1)).to_contain_text(f"DELETE /api/v1/keys/{key[:11]}")
    visitor.judge("audit")
    assert visitor.complaints == []


def test_a_page_says_that_it_is_not_live_and_goes_on_by_itself(browser: Browser, one_store: Store) -> None:
    with asking(one_store) as console:
        fill(one_store)
        with served_in_thread(console.client.app) as url:
            visitor = Visitor(browser, console, url)
            visitor.sign_in()
            page = visitor.page
            expect(page.locator("#state")).to_have_text("Live.")
            expect(page.get_by_role("alert")).to_be_hidden()
        expect(page.get_by_role("alert")).to_contain_text("Not live since")  # the console has ended
        expect(page.get_by_role("heading", name="1 open incident")).to_be_visible()  # what was there still is
        visitor.judge("not-live")
        write(one_store, TOPICS.severity, [incident("other", 1, "opened")])
        with served_in_thread(console.client.app, int(url.rpartition(":")[2])):
            expect(page.get_by_role("heading", name="2 open incidents")).to_be_visible()
            expect(page.get_by_role("alert")).to_be_hidden()
            expect(page.locator("#state")).to_have_text("Live.")
            write(one_store, TOPICS.severity, [incident("third", 1, "opened")])
            expect(page.get_by_role("heading", name="3 open incidents")).to_be_visible()
            assert all("net::ERR_" in one for one in visitor.complaints)
        page.context.close()


def test_who_is_signed_out_meanwhile_is_led_to_sign_in_and_back(visitor: Visitor) -> None:
    fill(visitor.console.store)
    visitor.sign_in("/ui/incidents/shop")
    expect(visitor.page.locator("#state")).to_have_text("Live.")
    visitor.page.context.clear_cookies()
    write(visitor.console.store, TOPICS.severity, [incident("other", 1, "opened")])
    visitor.page.wait_for_url("**/ui/sign-in?next=%2Fui%2Fincidents%2Fshop")


def test_lists_are_filtered_by_their_forms(visitor: Visitor) -> None:
    fill(visitor.console.store)
    visitor.sign_in("/ui/anomalies")
    page = visitor.page
    page.get_by_label("Severity").select_option("minor")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**/ui/anomalies?severity=minor*")
    expect(page.get_by_text("There is none of that kind.")).to_be_visible()
    page.goto("/ui/incidents")
    page.get_by_label("Application").fill("stock")
    page.get_by_label("Application").press("Enter")
    page.wait_for_url("**/ui/incidents?*application=stock*")
    expect(page.get_by_role("link", name="shop is slow").first).to_be_visible()
    assert visitor.complaints == []


def test_a_key_that_is_sent_before_the_page_is_ready_is_in_no_address(visitor: Visitor) -> None:
    page = visitor.page
    page.route("**/*.js", lambda route: route.abort())
    page.goto("/ui/sign-in")
    page.get_by_label("Key").fill("th_secret")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("must be known")
    assert page.url.endswith("/ui/sign-in")

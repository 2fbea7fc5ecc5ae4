"""Somebody with a real browser, Debian's Chromium, who looks at pages: what they see, and what the browser says."""

from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from tests.console.asking import Asking
from tracehound.console.web.roles import Role

PATIENCE_MS = 120_000
SHOTS = Path(".pytest_cache/pages")


def press_twice(button: Locator) -> str:
    """Press a button that asks first, and what it asked: at once, for it asks for some seconds only."""
    return str(button.evaluate("one => { one.click(); const asked = one.textContent; one.click(); return asked; }"))


class Guest:
    """Somebody with a browser, and what it complained of."""

    def __init__(self, browser: Browser, url: str, **context: Any) -> None:
        self.complaints = list[str]()
        self.page: Page = browser.new_context(base_url=url, **context).new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def enter(self, key: str, path: str = "/ui/") -> None:
        """Sign in with a key, on the way to a page."""
        self.page.goto(path)
        self.page.get_by_label("Key").fill(key)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"**{path}")

    def press_twice(self, name: str) -> str:
        """Press a button that asks first, and what it asked."""
        return press_twice(self.page.get_by_role("button", name=name, exact=True))

    def judge(self, name: str) -> None:
        """Keep a picture, and let axe look for what some people cannot use."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
        found = Axe().run(self.page)
        grave = [one for one in found.response["violations"] if one["impact"] in ("serious", "critical")]
        assert grave == [], f"{name}: {[(one['id'], one['nodes'][0]['html']) for one in grave]}"


class Visitor(Guest):
    """Somebody who visits a console of a test."""

    def __init__(self, browser: Browser, console: Asking, url: str, **context: Any) -> None:
        super().__init__(browser, url, **context)
        self.console = console

    def sign_in(self, path: str = "/ui/", role: Role = "operator") -> None:
        """Sign in with the key of that role."""
        self.enter(self.console.keys[role].key, path)

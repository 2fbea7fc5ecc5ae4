"""Looks at pages with Chromium as somebody does who opens them for the first time that day."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

_MEASURED = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  const parts = [page, ...performance.getEntriesByType("resource")];
  return {paint: paint.startTime, bytes: parts.reduce((sum, part) => sum + part.transferSize, 0)};
}"""
_PAINTED = "performance.getEntriesByName('first-contentful-paint').length"
_WATCH = """addEventListener("securitypolicyviolation", (seen) => {
  (window.violations ??= []).push(seen.violatedDirective);
})"""


@dataclass(frozen=True, slots=True)
class Seen:
    """Medians over looks: milliseconds from the request to the first content, bytes over the network with an empty
    cache; and over all of them the serious findings of axe and violations of the content security policy.
    """

    paint_ms: float
    paints_ms: Sequence[float]
    transfer_bytes: int
    axe_serious: int
    csp_violations: int


def look(browser: Browser, url: str, key: str, path: str, times: int) -> Seen:
    """Sign in, and open a page ``times`` times, each with an empty cache."""
    found = [_once(browser, url, key, path) for _ in range(times)]
    paints = [one["paint"] for one in found]
    return Seen(
        median(paints),
        sorted(paints),
        int(median(one["bytes"] for one in found)),
        max(one["serious"] for one in found),
        sum(one["violations"] for one in found),
    )


def _once(browser: Browser, url: str, key: str, path: str) -> dict[str, Any]:
    context = browser.new_context(base_url=url)
    try:
        answer = context.request.post("/api/v1/session", data={"key": key}, headers={"Origin": url})
        if not answer.ok:
            raise RuntimeError(f"Signing in failed: {answer.text()}")
        page: Page = context.new_page()
        page.add_init_script(_WATCH)
        page.goto(path)
        while not page.evaluate(
            _PAINTED
        ):  # (what waits in the page itself is evaluated there, which the policy forbids)
            page.wait_for_timeout(10)
        measured: dict[str, Any] = page.evaluate(_MEASURED)
        violations = page.evaluate("(window.violations ?? []).length")
        grave = [one for one in Axe().run(page).response["violations"] if one["impact"] in ("serious", "critical")]
        return measured | {"violations": violations, "serious": len(grave)}
    finally:
        context.close()

"""What tests of pages share: a browser, one engine, and a visitor of a console on it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.console.asking import asking
from tests.console.pages.visiting import Visitor
from tests.console.served import served_in_thread
from tracehound.console.store.engine import Store


@pytest.fixture(scope="module")
def browser(real_program: Callable[..., str]) -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=real_program("chromium", "chromium-browser", "google-chrome"), args=["--no-sandbox"]
        )
        yield started
        started.close()


@pytest.fixture
def one_store(tmp_path: Path, migrated_file: Path) -> Iterator[Store]:
    """One engine: what is stored is tried on both elsewhere."""
    file = tmp_path / "kept.db"
    file.write_bytes(migrated_file.read_bytes())
    opened = Store(f"sqlite:///{file}")
    yield opened
    opened.close()


@pytest.fixture
def visitor(browser: Browser, one_store: Store) -> Iterator[Visitor]:
    """An operator, who has not signed in yet."""
    with asking(one_store) as console, served_in_thread(console.client.app) as url:
        visiting = Visitor(browser, console, url)
        yield visiting
        visiting.page.context.close()

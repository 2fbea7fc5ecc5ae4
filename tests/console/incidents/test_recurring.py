"""What is as on other days, and no worse, is stored, listed and shown as that, and is nothing that is wrong."""

from collections.abc import Iterator

import pytest

from tests.console.asking import Asking, asking
from tests.console.store.reader.told import incident, progress
from tests.console.telling import tell
from tracehound.console.store.engine import Store
from tracehound.schemas.incident import Recurrence

AS_USUAL = Recurrence(
    5, 7, False, "as on 5 of the last 7 days at this time, no worse", "It becomes an incident if it grows."
)


@pytest.fixture
def console(store: Store) -> Iterator[Asking]:
    with asking(store) as asked:
        tell(store, "progress", progress(0.0, 10), progress(60.0, 10))
        yield asked


def test_it_is_a_line_of_the_overview_and_nothing_is_wrong(console: Asking) -> None:
    tell(console.store, "severity", incident("nightly", 0, "opened", recurring=AS_USUAL))
    page = console.page("/")
    assert "open incident" not in page.split("</h1>")[0]
    assert "As on other days, no worse: " in page
    assert "nightly is slow" in page
    [application] = console.get("/applications")["items"]
    assert (application["open_incidents"], application["health"]) == (0, "ok")


def test_once_it_is_worse_it_is_an_incident(console: Asking) -> None:
    quiet = incident("nightly", 0, "opened", recurring=AS_USUAL)
    tell(console.store, "severity", quiet, incident("nightly", 1, "updated"))
    page = console.page("/")
    assert "1 open incident" in page.split("</h1>")[0]
    assert "As on other days, no worse: " not in page


def test_it_is_listed_left_out_and_found(console: Asking) -> None:
    told = [incident("nightly", 0, "opened", recurring=AS_USUAL), incident("other", 0, "opened")]
    tell(console.store, "severity", *told)

    def names(**asked: object) -> set[str]:
        return {one["data"]["incident_id"] for one in console.get("/incidents", **asked)["items"]}

    assert names() == {"nightly", "other"}
    assert names(recurring="true") == {"nightly"}
    assert names(recurring="false") == {"other"}
    page = console.page("/incidents?state=&severity=&recurring=&application=")
    assert AS_USUAL.sentence in page
    assert "other is slow" in page
    assert "nightly is slow" not in console.page("/incidents?recurring=false")


def test_its_page_says_what_would_alarm(console: Asking) -> None:
    tell(console.store, "severity", incident("nightly", 0, "opened", recurring=AS_USUAL))
    page = console.page("/incidents/nightly")
    assert "As on 5 of the last 7 days at this time, no worse: nobody is told." in page
    assert AS_USUAL.alarms_when in page
    assert "It is as on other days." in page

"""The commands `incidents list` and `incidents show` against the embedded broker."""

from collections.abc import Callable

import msgspec
import pytest
from click.testing import CliRunner

from tests.detectors.incidents.nights import Nights
from tests.detectors.incidents.records import anomaly, progress, wrapped
from tests.scripts.conftest import Run
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.schemas.codec import encode
from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.execution import rfc3339
from tracehound.schemas.incident import IncidentEvent
from tracehound.schemas.progress import Progress
from tracehound.schemas.topics import Topics
from tracehound.scripts.commands.incidents import incidents

Send = Callable[..., None]
Command = Callable[..., str]


def events() -> list[IncidentEvent]:
    """Two incidents: one of shop that is over, one of bank, in the environment test, that is open."""
    book = IncidentBook(IncidentSettings())
    told: list[IncidentEvent] = []
    scored = [wrapped(progress("shop", at_s)) for at_s in range(10, 400, 10)]
    for record in (
        wrapped(anomaly("shop", 1.0, "major")),
        *scored,
        wrapped(anomaly("bank", 500.0, "critical", environment="test")),
    ):
        told += book.take(record)
    return told


@pytest.fixture
def told(topics: Topics, send: Send) -> list[IncidentEvent]:
    found = events()
    for event in [*found, found[0]]:  # at least once
        send(topics.severity.name, encode(event), key=event.subject.encode())
    send(topics.severity.name, b"{}")
    for application, environment in (("shop", ""), ("bank", "test")):
        scored = Progress(application, environment, rfc3339(1.0), 1, 0, 0, {})
        send(topics.progress.name, msgspec.json.encode(scored), key=application.encode())
    return found


@pytest.fixture
def command(run: Run) -> Command:
    def invoke(*arguments: str) -> str:
        result = run(incidents, *arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return invoke


def test_open_ones_are_listed_and_resolved_ones_where_asked(told: list[IncidentEvent], command: Command) -> None:
    shop, bank = dict.fromkeys(event.subject for event in told)

    assert command("list").splitlines() == [
        f"{bank[:8]}  MAJOR     open        {told[-1].data.opened_at} (test)  {told[-1].data.summary}",
        "1 of 2 incidents; 1 are not resolved.",
    ]
    every = command("list", "--all")
    assert every.index(shop[:8]) < every.index(bank[:8]), "the newest is the last"
    assert bank[:8] not in command("list", "--all", "--application", "shop")
    assert shop[:8] not in command("list", "--all", "--environment", "test")
    assert shop[:8] in command("list", "--all", "--environment", "")
    assert shop[:8] not in command("list", "--all", "--severity", "critical")
    assert shop[:8] not in command("list", "--all", "--limit", "1")


def test_one_is_shown_with_its_history_by_the_beginning_of_its_id(told: list[IncidentEvent], command: Command) -> None:
    shop = told[0].data
    text = command("show", shop.incident_id[:6])

    assert f"id: {shop.incident_id}" in text
    assert shop.summary in text
    assert f"anomaly: {shop.top_anomalies[0].id[:8]}" in text
    history = text[text.index("history:") :].splitlines()[1:]
    own = [event for event in told if event.subject == shop.incident_id]
    assert len(history) == len(own) > 1
    assert "resolved" in history[-1]


def test_what_is_as_on_other_days_is_a_quiet_line(topics: Topics, send: Send, command: Command) -> None:
    nights = Nights()
    for day in range(6):
        nights.night(day)
    for event in nights.told:
        send(topics.severity.name, encode(event), key=event.subject.encode())
    line = command("list", "--all").splitlines()[-2]
    assert "  QUIET     resolved  " in line
    assert line.endswith(" As on 5 of the last 7 days at this time, no worse.")
    assert "quiet: as on 5 of the last 7 days" in command("show", nights.told[-1].subject)


def test_what_is_not_there_is_refused_at_once(told: list[IncidentEvent], command: Command) -> None:
    assert told
    with pytest.raises(TracehoundError, match="There is no id of an incident that is, or begins with, 'xyz'"):
        command("show", "xyz")
    with pytest.raises(TracehoundError, match=r"There is no application 'shpo'\. Did you mean 'shop'\?"):
        command("list", "--application", "shpo")
    with pytest.raises(TracehoundError, match=r"There is no environment 'tset'\. Did you mean 'test'\?"):
        command("list", "--environment", "tset")


def test_without_a_subcommand_it_is_the_worker() -> None:
    result = CliRunner(env={"TRACEHOUND_PARTITIONS": "none"}).invoke(incidents, [])

    assert "The setting 'partitions' is wrong" in str(result.exception)

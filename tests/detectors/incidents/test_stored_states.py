"""Incidents that 0.1.0 wrote to Kafka: restored, they go on under their ids, and nothing is told twice."""

from pathlib import Path

from tests.detectors.incidents.records import World, anomaly, changes
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.streams.states.placed_states import PlacedStates

STORED = Path(__file__).parent / "stored/incidents.state"
RECORDS, UNTIL_S = 202, 330.0
OPEN = "75b3b220a1dc2e59e369fa29a2b508e8"
"""Of shop at 301 s with gateway at 302 s. That of bank at 16 s is resolved; bank has maintenance from 1,000 s on."""


def world() -> World:
    """What 0.1.0 knew after 330 s, and time that goes on."""
    state, problems = PlacedStates("incidents").unpack(0, [STORED.read_bytes()])
    assert state is not None
    assert (state.position, problems) == (RECORDS, [])
    going_on = World({"gateway": ["shop"], "shop": [], "bank": []})
    going_on.book = IncidentBook.restore(state.snapshot, IncidentSettings())
    going_on.now_s = UNTIL_S
    return going_on


def test_an_incident_that_is_open_goes_on_and_ends_under_its_id() -> None:
    going_on = world()
    going_on.take(anomaly("shop", 336.0, "critical"))
    told = going_on.run(until_s=700.0)
    assert {event.data.incident_id for event in told} == {OPEN}
    assert [change for change, _ in changes(told)] == ["updated", "resolved"]
    assert [event.data.revision for event in told] == [2, 3]
    assert set(told[-1].data.applications) == {"gateway", "shop"}


def test_what_it_had_told_is_not_told_again_and_its_maintenance_holds() -> None:
    going_on = world()
    assert going_on.take(anomaly("bank", 16.0), anomaly("shop", 301.0)) == []
    going_on.run(until_s=1_495.0)
    [of_bank] = going_on.take(anomaly("bank", 1_496.0))
    assert of_bank.data.muted_by == "w"
    assert [change for change, _ in changes(going_on.take(anomaly("shop", 1_497.0)))] == ["opened"]


def test_it_is_written_as_it_was_read() -> None:
    book = world().book
    again = IncidentBook.restore(book.snapshot(), IncidentSettings())
    assert again.snapshot() == book.snapshot()

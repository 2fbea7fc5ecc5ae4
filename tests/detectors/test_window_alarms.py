"""An alarm of a window says which window, and two scorers that saw the same window give it the same id."""

from dataclasses import replace

from detectors.window_alarms import window_anomaly
from detectors.window_findings import SIGNALS, TRAFFIC, WindowFinding
from schemas.anomaly import Window

FINDING = WindowFinding(7, 3, SIGNALS[TRAFFIC], 36_000.0, 36_030.0, 360, 9.0, -7.0, 120.0, 100.0, 140.0, 12.0, 1.0)


def test_the_event_carries_the_numbers_of_the_window() -> None:
    event = window_anomaly(("shop", "prod"), FINDING, "major", learned=5_000)
    data = event.data
    assert (data.kind, data.signal, data.unit, data.operation) == ("traffic", "traffic", "executions/s", "")
    assert (data.typical, data.actual, data.bounds, data.score) == (120.0, 12.0, (100.0, 140.0), 9.0)
    assert data.window == Window("1970-01-01T10:00:00.000Z", "1970-01-01T10:00:30.000Z", 360)
    assert data.reason.startswith("shop received 12 executions/s between 10:00:00 and 10:00:30")
    assert data.incident_key == "shop/prod/traffic"
    assert sum(data.contributions.values()) == 1.0
    assert event.time == data.window.end


def test_the_id_follows_from_application_signal_and_window_alone() -> None:
    event = window_anomaly(("shop", "prod"), FINDING, "major", learned=5_000)
    again = window_anomaly(("shop", "prod"), replace(FINDING, row=0, slot=9), "minor", learned=5_100)
    assert again.id == event.id
    others = [
        window_anomaly(("shop", "test"), FINDING, "major", 1),
        window_anomaly(("shop", "prod"), replace(FINDING, start_s=36_030.0), "major", 1),
        window_anomaly(("shop", "prod"), replace(FINDING, signal=SIGNALS[1]), "major", 1),
    ]
    assert len({event.id, *(other.id for other in others)}) == 4

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from tests.detectors.incidents.records import anomaly, progress, wrapped
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.incident import IncidentEvent
from tracehound.schemas.incident_input import IncidentInput
from tracehound.scripts.commands.demo_view import DemoState, DemoView
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.faults import Fault
from tracehound.scripts.simulator.judge import judge
from tracehound.scripts.simulator.truth import truth_of

START_S = 1_000_000_000.0
TRUTHS = [
    truth_of(Fault("slow_dependency", "orders", START_S, 20.0, 8.0, peer="orders-db"), build_system()),
    truth_of(Fault("silence", "cart", START_S + 5, 20.0, 1.0), build_system()),
]


@pytest.fixture
def state(make_anomaly: Callable[..., AnomalyEvent]) -> DemoState:
    anomalies = [
        make_anomaly("orders", "latency", START_S + 1, id="seen later", reason="The first in event time."),
        make_anomaly("orders", "latency", START_S + 2, id="seen first", reason="Ten \x1b[31mtimes [bold]as slow."),
        make_anomaly("gateway", "latency", START_S + 3, id="collateral"),
        make_anomaly("payment", "errors", START_S + 3, id="false", reason="Nobody knows why."),
    ]
    arrived_s = {
        "seen later": START_S + 9,
        "seen first": START_S + 4.5,
        "collateral": START_S + 5,
        "false": START_S + 6,
    }
    told = told_of([wrapped(anomaly("orders", 1.0, "major")), wrapped(progress("orders", 2.0))])
    return DemoState("live", 120, 100, judge(TRUTHS, anomalies), arrived_s, told)


def told_of(records: list[IncidentInput]) -> list[IncidentEvent]:
    book = IncidentBook(IncidentSettings())
    return [event for record in records for event in book.take(record)]


def shown(state: DemoState, terminal: bool, times: int = 1, width: int = 200, height: int = 60) -> str:
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=width, height=height, color_system=None)
    with DemoView(console, 3, clock=lambda: START_S + 12) as view:
        for _ in range(times):
            view.show(state)
    return file.getvalue()


def test_the_delay_is_until_the_first_detection_was_received(state: DemoState) -> None:
    slow, silent = state.judgement.verdicts

    assert state.delay_s(slow) == 4.5
    assert state.first(slow).endswith("Ten \\x1b[31mtimes [bold]as slow.")
    assert state.delay_s(silent) is None


def why(state: DemoState) -> str:
    [event] = state.told
    assert event.data.suspected_cause is not None
    return event.data.suspected_cause.why


def test_without_a_terminal_each_thing_is_one_plain_line_once(state: DemoState) -> None:
    lines = shown(state, terminal=False, times=3).splitlines()
    [told] = state.told

    assert lines == [
        "live: 120 executions sent, 100 scored",
        "01:46:40 injected  slow_dependency: orders-db answers orders 8.0 times as slowly",
        "01:46:44 detected  slow_dependency after 4.5 s: seen fir orders, latency, minor: "
        "Ten \\x1b[31mtimes [bold]as slow.",
        "01:46:45 injected  silence: cart falls silent",
        f"00:00:01 incident {told.data.incident_id[:8]} open  major: {told.data.summary} Suspected cause: {why(state)}",
        "01:46:43 false alarm  false payment, errors: Nobody knows why.",
    ]


def test_a_terminal_shows_faults_next_to_what_was_detected(state: DemoState) -> None:
    text = shown(state, terminal=True)

    (slow,) = {line for line in text.splitlines() if "orders-db answers" in line}
    (silent,) = {line for line in text.splitlines() if "cart falls silent" in line}
    assert "after 4.5 s" in slow
    assert "as slow." in text
    assert "7 s …" in silent
    assert text.index(silent) < text.index(slow), "the newest stands first"
    assert "Faults: 2 injected, 1 detected" in text
    assert "False alarms: 1 (bound 3)" in text
    assert "payment, errors: Nobody knows why." in text
    assert "1 further anomalies" in text
    assert why(state) in " ".join(text.split())
    assert "\x1b[31mtimes" not in text


@pytest.mark.parametrize(("width", "height"), [(80, 24), (80, 12), (60, 40), (120, 30)])
def test_a_small_terminal_shows_the_newest_and_counts_the_rest(
    make_anomaly: Callable[..., AnomalyEvent], width: int, height: int
) -> None:
    faults = [
        truth_of(Fault("silence", name, START_S + n, 20.0, 1.0), build_system())
        for n, name in enumerate(["cart", "payment", "users", "catalog", "orders"] * 4)
    ]
    told = [event for n in range(20) for event in told_of([wrapped(anomaly(f"app-{n}", float(n), "major"))])]
    state = DemoState("live", 9, 9, judge(faults, []), {}, told)
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=width, height=height, color_system=None)
    with DemoView(console, 3, clock=lambda: START_S + 30) as view:
        view.show(state)
        lines = file.getvalue().splitlines()

    assert len(lines) <= height
    assert max(map(len, lines)) <= width + len("\x1b[?25l")
    text = "\n".join(lines)
    assert "orders falls silent" in text
    assert "app-19" in text
    assert "earlier not shown" in text
    assert "False alarms: 0 (bound 3)" in text
    assert text.index("11 s …") < (text.index("12 s …") if "12 s …" in text else len(text))

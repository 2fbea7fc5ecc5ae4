from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.scripts.commands.replay_report import report, warm_up_traces
from tracehound.scripts.recorded.offline import TraceScores
from tracehound.scripts.recorded.traces import FaultWindow, Label, Recording

WINDOWS = (FaultWindow(1_000.0, "cart", "cpu"), FaultWindow(2_000.0, "orders", "delay", visible=False))
LABELS = [Label(f"t{number}", number % 2, 0 if number % 2 else -1) for number in range(10)]


def printed(recording: Recording, kept: TraceScores, warm_up: int) -> str:
    console = Console(width=150)
    with console.capture() as captured:
        console.print(report(recording, kept, warm_up))
    return captured.get()


def rows(text: str, word: str) -> list[str]:
    return [line for line in text.splitlines() if word in line]


@pytest.fixture
def kept(make_anomaly: Callable[..., AnomalyEvent]) -> TraceScores:
    starts = [float(at_s) for at_s in (100, 900, 1_010, 1_020, 1_030, 1_300, 2_010, 2_100, 3_000, 4_000)]
    return TraceScores(
        started_s=starts,
        score=[0.0, 9.0, 1.0, 8.0, 7.5, 7.0, 0.0, 6.0, 3.0, 5.0],
        alarm=[False, True, False, True, True, True, False, False, False, False],
        window_label=[0, 0, 1, 1, 1, -1, -1, -1, 0, 0],
        anomalies=[
            make_anomaly("cart", "latency", 1_012.0),
            make_anomaly("gateway", "latency", 1_030.0),
            make_anomaly("cart", "errors", 1_300.0),
            make_anomaly("users", "structure", 3_500.0),
        ],
        executions=40,
        warming=4,
    )


def test_each_window_says_what_was_found_where_and_how_soon(kept: TraceScores) -> None:
    text = printed(Recording("made_up", Path("events"), LABELS, WINDOWS), kept, 0)
    (cart,) = rows(text, "│ cart ")
    (orders,) = rows(text, "│ orders ")

    assert [cell.strip() for cell in cart.split("│")[1:-1]] == [
        *("1970-01-01 00:16:40", "cart", "cpu", "yes", "2", "12 s", "1 of 2", "2", "(2 minor latency)"),
    ]
    assert [cell.strip() for cell in orders.split("│")[4:8]] == ["no", "0", "-", "0 of 0"]


def test_detected_windows_false_alarms_and_margins_are_counted(kept: TraceScores) -> None:
    text = " ".join(printed(Recording("made_up", Path("events"), LABELS, WINDOWS), kept, 0).split())

    assert "Windows detected, visible: 1 of 1 by an anomaly, 0 of 1 by 3 alarming traces; median delay" in text
    assert "Windows detected, all: 1 of 2 by an anomaly" in text
    assert "False alarms: 1 anomalies outside all windows and margins (1 minor structure)" in text
    assert "not judged: 1 (1 minor errors)" in text
    assert "40 executions (4 while warming up), 4 anomalies" in text


def test_quality_is_per_trace_after_the_warm_up(kept: TraceScores) -> None:
    text = printed(Recording("made_up", Path("events"), LABELS, WINDOWS), kept, 2)
    (visible,), (everything,) = rows(text, "│ visible windows"), rows(text, "│ all windows")

    assert [cell.strip() for cell in visible.split("│")[2:-1]] == [
        *("8", "4", "0.804", "0.667", "0.500", "0.571", "0.2500"),
    ]
    assert [cell.strip() for cell in everything.split("│")[2:4]] == ["5", "3"]


def test_labels_per_trace_have_one_row(kept: TraceScores) -> None:
    labels = [Label(f"t{number}", number % 2, part="train" if number < 4 else "test") for number in range(10)]
    recording = Recording("paths", Path("events"), labels)

    assert warm_up_traces(recording) == 4
    assert len(rows(printed(recording, kept, 4), "per trace")) == 1


def test_the_known_recordings_know_their_warm_up() -> None:
    assert warm_up_traces(Recording("train_ticket_30", Path("events"), LABELS, WINDOWS)) == 3_400
    assert warm_up_traces(Recording("mine", Path("events"))) == 0


def test_without_labels_the_report_is_one_line(kept: TraceScores) -> None:
    text = printed(Recording("mine", Path("events")), kept, 0)

    assert text.count("\n") == 1

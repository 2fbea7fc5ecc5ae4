import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tracehound.schemas.errors import InvalidExecutionError
from tracehound.scripts.recorded.traces import MissingRecordingError, open_recording, start_of
from tracehound.streams.intake.assembly.executions import Trace


def trace(number: int, start_s: float) -> dict[str, Any]:
    return {
        "trace_id": f"t{number}",
        "start_us": start_s * 1e6,
        "status": None,
        "spans": [["gateway", "GET /", -1, 0, 900], ["gateway", "HTTP GET", 0, 10, 800], ["cart", "GET /", 1, 20, 700]],
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [json.dumps(trace(number, 1_000.0 + 10 * number)) for number in range(5)]
    (tmp_path / "events.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    labels = [{"trace_id": f"t{number}", "label": number % 2, "window": -1} for number in range(5)]
    (tmp_path / "labels.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, labels)).encode()))
    window = {"inject_s": 1_020.0, "service": "cart", "type": "cpu", "visible": False, "pod": "cart-1"}
    (tmp_path / "windows.json").write_text(json.dumps({"windows": [window], "warmup": {}}))
    return tmp_path


def test_a_folder_has_traces_labels_and_windows(folder: Path) -> None:
    recording = open_recording(folder)
    traces = list(recording.traces())

    assert [found.trace_id for found in traces] == ["t0", "t1", "t2", "t3", "t4"]
    assert [found.started_s for found in traces] == [1_000.0, 1_010.0, 1_020.0, 1_030.0, 1_040.0]
    assert [execution.application for execution in traces[0].executions] == ["gateway", "cart"]
    assert [label.label for label in recording.labels] == [0, 1, 0, 1, 0]
    assert [(window.service, window.visible) for window in recording.windows] == [("cart", False)]


def test_a_limit_and_a_duration_end_it_early(folder: Path) -> None:
    recording = open_recording(folder)

    assert len(list(recording.traces(limit=2))) == 2
    assert [found.trace_id for found in recording.traces(duration_s=20.0)] == ["t0", "t1", "t2"]


def test_traces_can_be_had_as_they_were_recorded(folder: Path) -> None:
    recording = open_recording(folder)
    found = list(recording.as_recorded(limit=3, duration_s=10.0))

    assert [start_of(one) for one in found] == [1_000.0, 1_010.0]
    assert isinstance(found[1], Trace)
    assert (found[1].trace_id, [span.service for span in found[1].spans]) == ("t1", ["gateway", "gateway", "cart"])


def test_executions_are_recorded_as_executions(tmp_path: Path) -> None:
    one = {"application": "a", "operation": "o", "started_at": "1970-01-01T00:00:07Z", "duration_ms": 1}
    path = tmp_path / "executions.jsonl"
    path.write_text(json.dumps(one) + "\n[]\n")

    recorded, nothing = open_recording(path).as_recorded()

    assert isinstance(recorded, list)
    assert [execution.started_at for execution in recorded] == [7.0]
    assert (start_of(recorded), nothing, start_of(nothing)) == (7.0, [], 0.0)


def test_progress_is_told_in_bytes_of_the_file(folder: Path) -> None:
    recording = open_recording(folder)
    told: list[int] = []

    list(recording.traces(read=told.append))

    assert sum(told) == recording.compressed_bytes


@pytest.mark.parametrize("compressed", [False, True])
def test_our_own_json_lines_hold_an_execution_or_an_array_of_them(tmp_path: Path, compressed: bool) -> None:
    one = {
        "application": "a",
        "operation": "o",
        "started_at": "1970-01-01T00:00:07Z",
        "duration_ms": 1,
        "trace_id": "x",
    }
    lines = "\n".join([json.dumps(one), "", json.dumps([one, {**one, "application": "b"}]), "[]"])
    path = tmp_path / "executions"
    path.write_bytes(gzip.compress(lines.encode()) if compressed else lines.encode())

    traces = list(open_recording(path).traces())

    assert [[execution.application for execution in found.executions] for found in traces] == [["a"], ["a", "b"], []]
    assert traces[0].executions[0].started_at == 7.0
    assert (traces[0].trace_id, traces[0].started_s) == ("x", 7.0)


@pytest.mark.parametrize(
    "line", ["{", '{"application": "a"}', '{"trace_id": "t", "start_us": 1, "spans": [["a", "b", 9, 0, 1]]}']
)
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "executions.jsonl"
    path.write_text("[]\n" + line)

    with pytest.raises(InvalidExecutionError, match="Line 2 of"):
        list(open_recording(path).traces())


def test_a_truncated_archive_is_said_to_be_damaged(folder: Path) -> None:
    events = folder / "events.jsonl.gz"
    events.write_bytes(events.read_bytes()[:-12])

    with pytest.raises(InvalidExecutionError, match="is damaged"):
        list(open_recording(folder).traces())


def test_a_missing_recording_says_where_recordings_come_from(tmp_path: Path) -> None:
    with pytest.raises(MissingRecordingError, match=r"does not exist.*shared/data/traces"):
        open_recording(tmp_path / "nowhere")
    with pytest.raises(MissingRecordingError, match=r"has no events\.jsonl\.gz"):
        open_recording(tmp_path)


def test_broken_labels_are_named(folder: Path) -> None:
    (folder / "windows.json").write_text('{"windows": [{"service": 3}]}')

    with pytest.raises(MissingRecordingError, match="labels or windows"):
        open_recording(folder)

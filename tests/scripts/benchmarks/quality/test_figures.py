"""What was published is counted where it belongs."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from tracehound.detectors.alarms.silence import SIGNAL
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.scripts.benchmarks.quality.figures import Truth, published_figures
from tracehound.scripts.benchmarks.quality.workload import DataSet
from tracehound.scripts.recorded.offline import TraceScores
from tracehound.scripts.recorded.traces import open_recording


def test_a_silence_is_a_false_alarm_unless_nothing_at_all_was_recorded(
    tmp_path: Path, write_windows: Callable[[Path], Path], make_anomaly: Callable[..., AnomalyEvent]
) -> None:
    recording = open_recording(write_windows(tmp_path / "train_ticket_30"))
    started_s = np.array([trace.started_s for trace in recording.traces()])
    data = DataSet(recording, 0)
    kept = TraceScores(started_s=[*started_s.tolist(), started_s[-1] + 9_000.0], applications={"cart"})
    pause_s = float(started_s[-1]) + 3_600.0

    def silence(at_s: float) -> AnomalyEvent:
        made = make_anomaly("cart", "traffic", at_s)
        return msgspec.structs.replace(made, data=msgspec.structs.replace(made.data, signal=SIGNAL))

    kept.anomalies = [silence(pause_s), silence(pause_s + 5_401.0), make_anomaly("cart", "latency", pause_s)]
    found = published_figures(kept, Truth(data, data.labels, started_s))

    assert (found["in_pauses"], found["false_alarms"]) == (1, 2)
    assert found["false_alarms_by_signal"] == {f"traffic {SIGNAL}": 1, "latency self_ms": 1}

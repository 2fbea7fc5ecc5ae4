"""A recording is judged by its own time: who fell silent in it is told, as a worker would have told it live."""

from collections.abc import Iterable

import numpy as np
import pytest

from tracehound.detectors.alarms.silence import LASTING_S
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import ApplicationKey, Execution, epoch_seconds
from tracehound.scripts.recorded.offline import score_traces
from tracehound.scripts.recorded.recorded_silence import MOST_LOOKS, RecordedSilence, recorded_times
from tracehound.scripts.recorded.traces import RecordedTrace

START_S = 1_767_225_600.0
HOUR_S = 3_600.0
SHOP, BANK = ("shop", ""), ("bank", "")


def poisson(application: str, first_s: float, last_s: float, seed: int, rate_per_s: float = 1.0) -> list[Execution]:
    rng = np.random.default_rng(seed)
    times = first_s + np.cumsum(rng.exponential(1 / rate_per_s, int((last_s - first_s) * rate_per_s * 1.2)))
    durations = rng.lognormal(4.0, 0.2, len(times))
    return [
        Execution(application, "GET /", START_S + time, duration, f"{application}{time}")
        for time, duration in zip(times.tolist(), durations.tolist(), strict=True)
        if time < last_s
    ]


def told(executions: Iterable[Execution]) -> list[AnomalyEvent]:
    """The silences of a recording, in the order in which they are told."""
    traces = [RecordedTrace(one.trace_id, one.started_s, [one]) for one in executions]
    kept = score_traces(traces, Scorer(DetectionSettings(), InlineFitter()))
    return [one for one in kept.anomalies if one.data.kind == "traffic" and "has sent nothing" in one.data.reason]


def in_order(*executions: list[Execution]) -> list[Execution]:
    return sorted((one for some in executions for one in some), key=lambda one: one.started_s)


@pytest.mark.parametrize("ahead_s", [0.0, 86_400.0])
def test_who_stops_is_told_soon_and_again_when_it_lasts_though_one_clock_is_a_day_ahead(ahead_s: float) -> None:
    shop, bank = poisson("shop", 0.0, HOUR_S, 1), poisson("bank", 0.0, 2 * HOUR_S, 2)
    recording = in_order(shop, bank)
    wrong = recording[len(recording) // 4]
    wrong.started_at = wrong.started_s + ahead_s

    found = told(recording)

    assert [one.data.application for one in found] == ["shop", "shop"]
    soon, lasting = (epoch_seconds(one.time) - START_S - HOUR_S for one in found)
    assert 5.0 < soon < 40.0
    assert LASTING_S - 5.0 < lasting < 60.0


def test_a_pause_of_all_is_told_of_each_before_what_comes_after_it_is_scored() -> None:
    before = in_order(poisson("shop", 0.0, HOUR_S, 3), poisson("bank", 0.0, HOUR_S, 4))
    after = in_order(poisson("shop", 9 * HOUR_S, 10 * HOUR_S, 5), poisson("bank", 9 * HOUR_S, 10 * HOUR_S, 6))

    found = told([*before, *after])

    assert sorted(one.data.application for one in found) == ["bank", "bank", "shop", "shop"]
    assert all(epoch_seconds(one.time) - START_S < 1.1 * HOUR_S for one in found)


def test_what_goes_on_to_its_end_is_not_silent() -> None:
    assert told(in_order(poisson("shop", 0.0, HOUR_S, 7), poisson("bank", 0.0, HOUR_S, 8))) == []


class Looks:
    """Notes when it is asked, of an application whose newest execution was at 100 s."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, ApplicationKey]] = []

    def now_s(self, application: ApplicationKey) -> float | None:
        return 100.0 if application == SHOP else None

    def judge_silence(self, now_s: float, applications: Iterable[ApplicationKey]) -> list[AnomalyEvent]:
        self.asked += [(now_s, one) for one in applications]
        return []


def test_it_is_looked_every_interval_by_the_time_that_passed_since_one_was_heard_of() -> None:
    looks = Looks()
    silence = RecordedSilence(looks, 5.0)
    silence.heard(Execution("shop", "GET /", 103.0, 1.0, ""), 103.0)
    silence.heard(Execution("bank", "GET /", 104.0, 1.0, ""), 104.0)
    assert not silence.is_due(107.9)
    assert silence.is_due(118.0)

    assert list(silence.look(118.0)) == []

    assert looks.asked == [(105.0, SHOP), (110.0, SHOP), (115.0, SHOP)]
    assert not silence.is_due(122.9)


def test_a_pause_of_years_costs_no_more_than_a_bounded_number_of_looks() -> None:
    looks = Looks()
    silence = RecordedSilence(looks, 5.0)
    silence.heard(Execution("shop", "GET /", 100.0, 1.0, ""), 100.0)

    assert list(silence.look(1e9)) == []

    assert len(looks.asked) == MOST_LOOKS


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 40])
def test_the_time_never_goes_back_and_there_is_one_for_each(length: int) -> None:
    starts = np.random.default_rng(length).normal(0.0, 3.0, length) + np.arange(length)

    times = list(recorded_times(starts.tolist()))

    assert len(times) == length
    assert times == sorted(times)
    assert all(time <= start for time, start in zip(times[:1], starts[:1], strict=True))

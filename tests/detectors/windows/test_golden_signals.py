"""Golden signals: faults of each signal are told with their numbers, ordinary noise is not, and a fault stays one."""

from dataclasses import dataclass, fields, replace

import numpy as np
import pytest

from tracehound.detectors.bank import Floats
from tracehound.detectors.packed.snapshot import pack, unpack
from tracehound.detectors.windows.findings import SIGNALS, JudgedWindows, WindowFinding, sentence
from tracehound.detectors.windows.golden_signals import GoldenSignals

START = 3_600.0
ALARM = 6.0


@dataclass(frozen=True)
class Executions:
    times: Floats
    durations_ms: Floats
    errors: Floats
    latency_z: Floats

    def rows(self, first: int, last: int) -> "Executions":
        return Executions(*(getattr(self, field.name)[first:last] for field in fields(self)))


def executions(seed: int, seconds: float, rate: float = 10.0, start: float = 0.0) -> Executions:
    """Poisson arrivals with log-normal durations, 1 % errors and latencies as usual."""
    random = np.random.default_rng(seed)
    n = random.poisson(rate * seconds)
    return Executions(
        start + np.sort(random.uniform(0.0, seconds, n)),
        random.lognormal(4.0, 1.0, n),
        (random.random(n) < 0.01).astype(np.float64),
        np.clip(random.normal(size=n), -3.0, 3.0),
    )


def joined(*parts: Executions) -> Executions:
    return Executions(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Executions)))


def observe(golden: GoldenSignals, given: Executions, slot: int = 0) -> JudgedWindows:
    slots = np.full(len(given.times), slot, np.int64)
    return golden.observe(slots, given.times, given.durations_ms, given.errors, given.latency_z)


def opened(**settings: float) -> GoldenSignals:
    golden = GoldenSignals(**settings)  # type: ignore[arg-type]  # mypy sees one type for all keyword arguments
    golden.open(0, 1)
    return golden


def findings(judged: JudgedWindows, name: str) -> list[WindowFinding]:
    return [finding for finding in judged.findings(ALARM) if finding.signal.name == name]


@pytest.mark.parametrize("seed", range(5))
def test_ordinary_noise_is_told_by_no_signal(seed: int) -> None:
    for rate in (0.2, 3.0):
        judged = observe(opened(), executions(seed, 40_000.0, rate))
        assert not list(judged.findings(ALARM - 1.0))


@pytest.mark.parametrize("seed", range(5))
def test_half_of_the_traffic_is_a_drop_and_three_times_is_a_surge(seed: int) -> None:
    for factor, direction in ((0.4, -1.0), (3.0, 1.0)):
        faulty = executions(seed + 100, 120.0, 10.0 * factor, START)
        [first, *_] = findings(observe(opened(), joined(executions(seed, START), faulty)), "traffic")
        assert (first.start_s, first.end_s, first.share) == (START, START + 30.0, 1.0)
        assert np.sign(first.deviation) == direction
        assert first.actual == first.count / 30.0
        assert first.low < first.expected < first.high
        assert abs(first.expected - 10.0) < 2.0


def test_none_where_five_are_expected_is_unremarkable() -> None:
    judged = observe(opened(window_s=10.0), joined(executions(1, START, 0.5), executions(2, 60.0, 0.5, START + 12.0)))
    assert not findings(judged, "traffic")


def test_a_full_stop_is_left_to_the_detector_of_silence() -> None:
    judged = observe(opened(), joined(executions(1, START - 10.0), executions(2, 200.0, 10.0, START + 190.0)))
    traffic = judged.signal == 0
    empty = traffic & (judged.count == 0)
    assert empty.sum() == 6
    assert judged.score[empty].max() > ALARM
    assert not findings(judged, "traffic")


def test_slower_executions_are_told_as_a_percentile() -> None:
    faulty = executions(2, 120.0, 10.0, START)
    faulty = replace(faulty, latency_z=np.minimum(faulty.latency_z + 1.0, 3.0))
    [first, *_] = findings(observe(opened(), joined(executions(1, START), faulty)), "window_latency")
    assert first.start_s == START
    assert abs(first.expected - 50.0) < 5.0
    assert 75.0 < first.actual < 90.0
    assert 0.15 < first.share < 0.4


def test_another_mix_of_operations_is_no_latency() -> None:
    faulty = executions(2, 120.0, 10.0, START)
    faulty = replace(faulty, durations_ms=1.5 * faulty.durations_ms)
    assert not list(observe(opened(), joined(executions(1, START), faulty)).findings(ALARM))


def test_failing_executions_are_told_as_a_share() -> None:
    faulty = executions(2, 120.0, 10.0, START)
    faulty = replace(faulty, errors=(np.arange(len(faulty.times)) % 4 == 0).astype(np.float64))
    [first, *_] = findings(observe(opened(), joined(executions(1, START), faulty)), "window_errors")
    assert first.start_s == START
    assert abs(first.actual - 0.25) < 0.01
    assert first.share == first.actual
    assert first.expected < 0.02


def test_longer_executions_are_concurrency() -> None:
    faulty = executions(2, 120.0, 10.0, START)
    faulty = replace(faulty, durations_ms=6.0 * faulty.durations_ms)
    [first, *_] = findings(observe(opened(), joined(executions(1, START), faulty)), "concurrency")
    assert first.start_s == START
    assert abs(first.expected - 10.0 * np.exp(4.5) / 1000.0) < 0.3
    assert first.actual > 4.0 * first.expected


def test_one_long_job_is_no_concurrency() -> None:
    faulty = executions(2, 120.0, 10.0, START)
    faulty.durations_ms[50] = 600_000.0
    judged = observe(opened(), joined(executions(1, START), faulty))
    busy = judged.signal == 3
    assert judged.score[busy].max() > ALARM
    assert not findings(judged, "concurrency")


def test_a_fault_of_two_hours_does_not_become_normal() -> None:
    lasting, after = executions(2, 7_200.0, 2.5, START), executions(3, 600.0, 10.0, START + 7_200.0)
    told = findings(observe(opened(), joined(executions(1, START), lasting, after)), "traffic")
    assert {finding.start_s for finding in told} >= set(np.arange(START, START + 7_200.0, 30.0).tolist())
    assert max(abs(finding.expected - 10.0) for finding in told) < 2.0
    assert told[-1].end_s <= START + 7_200.0


def test_after_its_patience_it_is_the_new_normal() -> None:
    lasting = executions(2, 4_000.0, 2.5, START)
    told = findings(observe(opened(patience_s=600.0), joined(executions(1, START), lasting)), "traffic")
    assert START + 600.0 < told[-1].end_s < START + 1_000.0


def test_a_warming_application_is_judged_by_nothing() -> None:
    judged = observe(opened(warm_up=40), joined(executions(1, 600.0, 10.0), executions(2, 500.0, 100.0, 600.0)))
    assert judged.warming.all()
    assert judged.score.max() == 0.0


def test_late_executions_are_counted_and_left_out() -> None:
    golden = opened()
    given = executions(1, 300.0)
    judged = observe(golden, joined(given, replace(given.rows(0, 50), times=np.full(50, 1.0))))
    assert golden.late(0) == 50
    assert np.array_equal(judged.count, observe(opened(), given).count)


def mixed() -> tuple[Executions, "np.ndarray[tuple[int], np.dtype[np.int64]]"]:
    given = joined(executions(1, 1_800.0, 2.0), executions(2, 300.0, 9.0, 1_850.0), executions(3, 300.0, 1.0, 2_150.0))
    random = np.random.default_rng(9)
    given = replace(given, times=given.times - random.exponential(2.0, len(given.times)))
    given.latency_z[random.random(len(given.times)) < 0.2] = np.nan
    return given, random.integers(0, 3, len(given.times))


def in_batches(golden: GoldenSignals, size: int) -> dict[str, Floats]:
    """All judgements, with rows counted from the first batch."""
    given, slots = mixed()
    parts = []
    for first in range(0, len(slots), size):
        some = given.rows(first, first + size)
        judged = golden.observe(slots[first : first + size], some.times, some.durations_ms, some.errors, some.latency_z)
        parts.append(replace(judged, row=judged.row + first))
    return {name: np.concatenate([getattr(part, name) for part in parts]) for name in JudgedWindows.__slots__}


@pytest.mark.parametrize("size", [1, 37])
def test_a_batch_is_the_same_as_smaller_ones(size: int) -> None:
    whole, split = GoldenSignals(warm_up=20), GoldenSignals(warm_up=20)
    for slot in range(3):
        whole.open(slot, slot)
        split.open(slot, slot)
    together, apart = in_batches(whole, 100_000), in_batches(split, size)
    assert (together["score"] > 3).any()
    for name, values in together.items():
        assert np.array_equal(values, apart[name], equal_nan=True), name


def test_a_snapshot_resumes_with_the_window_in_progress() -> None:
    given = joined(executions(1, START), executions(2, 600.0, 30.0, START))
    half = len(given.times) // 2
    whole, first, second = opened(), opened(), GoldenSignals()
    expected = observe(whole, given)
    observe(first, given.rows(0, half))
    second.open(5, 8)
    second.restore(5, unpack(pack(first.snapshot(0))))
    resumed = observe(second, given.rows(half, len(given.times)), slot=5)
    later = expected.row >= half
    assert np.array_equal(resumed.score, expected.score[later])
    assert np.array_equal(resumed.actual, expected.actual[later])
    assert pack(second.snapshot(5)) == pack(whole.snapshot(0))


def test_memory_does_not_grow_with_what_is_counted() -> None:
    golden = opened()
    before = golden.nbytes()
    observe(golden, executions(1, 20_000.0, 1.0))
    assert golden.nbytes() == before < 32_768


def test_no_executions_are_no_windows() -> None:
    judged = observe(opened(), executions(1, 300.0).rows(0, 0))
    assert len(judged.row) == len(judged.matters) == 0
    assert not list(judged.findings(0.0))


SPAN = "between 10:00:00 and 10:00:30"


@pytest.mark.parametrize(
    ("name", "figures", "said"),
    [
        ("traffic", (20.0, 15.0, 25.0, 12.0), f"shop received 12 executions/s {SPAN}, typically 20 (15 to 25)."),
        (
            "window_latency",
            (50.0, 45.0, 55.0, 84.0),
            f"Executions of shop {SPAN} were on average slower than 84 % of their operation's usual ones, "
            "typically 50 % (45 to 55 %).",
        ),
        (
            "window_errors",
            (0.01, 0.0, 0.03, 0.34),
            f"34 % of the executions of shop {SPAN} failed, typically 1 % (0 to 3 %).",
        ),
        (
            "concurrency",
            (2.0, 1.5, 2.5, 9.0),
            f"shop had 9 executions in progress at a time {SPAN}, typically 2 (1.5 to 2.5).",
        ),
    ],
)
def test_every_signal_has_its_sentence(name: str, figures: tuple[float, float, float, float], said: str) -> None:
    [signal] = [one for one in SIGNALS if one.name == name]
    assert sentence("shop", WindowFinding(0, 0, signal, 36_000.0, 36_030.0, 9, 9.0, 5.0, *figures, 1.0)) == said


@pytest.mark.parametrize("wrong", [{"surge": 1.0}, {"drop": 1.0}, {"drop": -0.1}, {"window_s": 0.0}])
def test_illegal_settings_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"parameter of .* must be"):
        opened(**wrong)

"""The soak: hours of steady load with faults every minute or so; memory and lag are watched, then all is checked."""

import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from infra.kafka.broker import Broker
from schemas.errors import TracehoundError
from scripts.soak.campaign import finish
from scripts.soak.checker import Verdict
from scripts.soak.crew import Crew
from scripts.soak.faults import FAULTS, Fault
from scripts.soak.scene import LONG, Pace, Scene, scene

PARTITIONS: Final = 12
MIXED: Final = tuple(one for one in FAULTS.values() if one.mixes)
_SAMPLE_S = 5.0
_GROWN_UP_S = 45.0
"""A worker's memory counts from this age on: before, it loads code and states."""
_CALIBRATION = 60_000


@dataclass(slots=True)
class Samples:
    """What was seen while it ran: seconds since the start, memory of each grown-up worker, records not committed."""

    resident_mb: list[tuple[float, float]] = field(default_factory=list)
    lag: list[tuple[float, int]] = field(default_factory=list)

    @property
    def rss_growth_mb(self) -> float:
        """Median memory of a worker in the last third of the time, minus that in the first third."""
        if not self.resident_mb:
            return float("nan")
        last_s = self.resident_mb[-1][0]
        first = [mb for at_s, mb in self.resident_mb if at_s <= last_s / 3]
        last = [mb for at_s, mb in self.resident_mb if at_s >= last_s * 2 / 3]
        return statistics.median(last) - statistics.median(first) if first and last else float("nan")


@dataclass(frozen=True, slots=True)
class Soaked:
    """How a soak went."""

    minutes: float
    rate: float
    workers: int
    faults: Counter[str]
    samples: Samples
    verdict: Verdict

    def figures(self) -> dict[str, Any]:
        """For ``reliability.json``."""
        resident = [mb for _, mb in self.samples.resident_mb]
        return {
            "soak_minutes": round(self.minutes, 1),
            "rss_growth_mb": round(self.samples.rss_growth_mb, 1),
            "rss_peak_mb": round(max(resident, default=float("nan")), 1),
            "lag_peak": max((lag for _, lag in self.samples.lag), default=0),
            "lag_median": statistics.median(lag for _, lag in self.samples.lag) if self.samples.lag else 0,
            "rate": round(self.rate),
            "workers": self.workers,
            "faults_done": dict(sorted(self.faults.items())),
        }


class Watch:
    """Samples memory and lag from a thread of its own while the ``with`` lasts."""

    def __init__(self, crew: Crew, lag: Callable[[], int | None]) -> None:
        self._crew = crew
        self._lag = lag
        self._begun = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.samples = Samples()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(_SAMPLE_S):
            now = time.monotonic()
            for member in list(self._crew.members):
                resident_mb = member.resident_mb()
                if resident_mb and now - member.started_s >= _GROWN_UP_S:
                    self.samples.resident_mb.append((now - self._begun, resident_mb))
            lag = self._lag()
            if lag is not None:
                self.samples.lag.append((now - self._begun, lag))


def most_per_second(broker: Broker, folder: Path, pace: Pace, workers: int) -> float:
    """Executions per second that so many workers learn, save and commit when everything waits for them."""
    with scene(broker, folder, pace, workers=workers, partitions=PARTITIONS) as stage:
        stage.feed.burst(_CALIBRATION // 4)  # compiles, and fits the first forests
        stage.settle()
        begun = time.monotonic()
        stage.feed.burst(_CALIBRATION)
        stage.settle()
        lasted_s = time.monotonic() - begun
        stage.crew.stop()
    return _CALIBRATION / lasted_s


def soak(
    broker: Broker,
    folder: Path,
    minutes: float,
    rate: float,
    pace: Pace = LONG,
    workers: int = 2,
    gap_s: tuple[float, float] = (20.0, 50.0),
    faults: Sequence[Fault] = MIXED,
    say: Callable[[str], None] = print,
) -> Soaked:
    """Let faults follow each other at random while executions arrive at ``rate``; then let the workers finish.

    Every fault of ``faults`` that the broker allows comes once before any comes again. ``gap_s`` is the shortest and
    longest time between two.

    Raises:
        TracehoundError: a worker ended by itself, or did not come to an end.
    """
    possible = [
        fault for fault in faults if fault.needs == "kafka" or (fault.needs == "cluster" and broker.brokers > 2)
    ]
    done: Counter[str] = Counter()
    settings = Pace(pace.rounds, pace.pause_s, pace.away_s, rate, pace.applications, pace.settle_s)
    with scene(broker, folder, settings, workers=workers, partitions=PARTITIONS) as stage:
        begun = time.monotonic()
        with stage.feed, Watch(stage.crew, stage.lag) as watch:
            waiting: list[Fault] = []
            while (left_s := begun + minutes * 60 - time.monotonic()) > 0:
                time.sleep(min(left_s, stage.chance.uniform(*gap_s)))
                if time.monotonic() >= begun + minutes * 60:
                    break
                waiting = waiting or stage.chance.sample(possible, len(possible))
                fault = waiting.pop()
                say(f"{(time.monotonic() - begun) / 60:5.1f} min: {fault.name}")
                fault.act(stage)
                done[fault.name] += 1
                _bring_back(stage, workers)
            stage.feed.stop()
        lasted_s = time.monotonic() - begun
        verdict = finish(stage)
    return Soaked(lasted_s / 60, rate, workers, done, watch.samples, verdict)


def _bring_back(stage: Scene, workers: int) -> None:
    for member in list(stage.crew.members):
        if not member.runs:
            raise TracehoundError(f"{member.name} has ended by itself:\n{member.end_of_log()}")
    while len(stage.crew.members) < workers:
        stage.crew.hire()
    stage.crew.wait_until_ready()

"""The soak: hours of steady load with faults every minute or so; memory and lag are watched, then all is checked."""

import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, Self

from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.errors import TracehoundError
from tracehound.scripts.soak.checker import Verdict
from tracehound.scripts.soak.crew import Crew
from tracehound.scripts.soak.faults import FAULTS, Fault
from tracehound.scripts.soak.scene import LONG, Pace, Scene, scene

PARTITIONS: Final = 12
MIXED: Final = tuple(one for one in FAULTS.values() if one.mixes)
_SAMPLE_S = 5.0
_GROWN_UP_S = 45.0
"""A worker's memory counts from this age on: before, it loads code and states."""
_CALIBRATION = 60_000
_HOUR_S = 3_600.0
_SLACK_S = 120.0


class Watched(Protocol):
    """A worker as its memory is watched; ``started_s`` is when its process started, by the monotonic clock."""

    started_s: float

    def resident_mb(self) -> float:
        """Memory that its process has in RAM; 0 once it has ended."""


@dataclass(slots=True)
class Samples:
    """What was seen while it ran, each with seconds since the start.

    ``resident_mb`` is the memory of every grown-up worker, ``steady_mb`` that of the one that no fault ends, from
    the start on; ``lag`` are the records not committed.
    """

    resident_mb: list[tuple[float, float]] = field(default_factory=list)
    steady_mb: list[tuple[float, float]] = field(default_factory=list)
    lag: list[tuple[float, int]] = field(default_factory=list)

    def steady_thirds_mb(self) -> tuple[float, float, float]:
        """Median memory of the steady worker in each third of the time; NaN for a third without a sample."""
        third_s = max((at_s for at_s, _ in self.steady_mb), default=0.0) / 3 or 1.0
        thirds: tuple[list[float], list[float], list[float]] = ([], [], [])
        for at_s, mb in self.steady_mb:
            thirds[min(2, int(at_s / third_s))].append(mb)
        first, middle, last = (statistics.median(third) if third else float("nan") for third in thirds)
        return first, middle, last

    def growth_share_last_hour(self) -> float | None:
        """Growth of the steady worker from the first quarter of its last hour to the last quarter, in the median, as a
        share; None of less than two hours: in the first one models and forests come into being.
        """
        over_s = max((at_s for at_s, _ in self.steady_mb), default=0.0)
        if over_s < 2 * _HOUR_S - _SLACK_S:
            return None
        begins_s = over_s - _HOUR_S
        first = statistics.median(mb for at_s, mb in self.steady_mb if 0 <= at_s - begins_s < _HOUR_S / 4)
        last = statistics.median(mb for at_s, mb in self.steady_mb if at_s - begins_s >= _HOUR_S * 3 / 4)
        return last / first - 1.0

    @property
    def rss_growth_mb(self) -> float:
        """Median memory of the steady worker in the last third of the time, minus that in the middle third.

        The first third is left out: there code is loaded and compiled, models and forests come into being, and
        applications of killed workers arrive for the first time. What still grows afterwards is a leak. One of x MB a
        minute shows as x times a third of the minutes. Other workers cannot show it: none lives long enough.
        """
        _, middle, last = self.steady_thirds_mb()
        return last - middle


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
        resident = [mb for _, mb in (*self.samples.resident_mb, *self.samples.steady_mb)]
        first, middle, last = (round(mb, 1) for mb in self.samples.steady_thirds_mb())
        return {
            "soak_minutes": round(self.minutes, 1),
            "rss_growth_mb": round(self.samples.rss_growth_mb, 1),
            "rss_growth_share_last_hour": self.samples.growth_share_last_hour(),
            "steady_rss_mb_first_third": first,
            "steady_rss_mb_middle_third": middle,
            "steady_rss_mb_last_third": last,
            "rss_peak_mb": round(max(resident, default=float("nan")), 1),
            "lag_peak": max((lag for _, lag in self.samples.lag), default=0),
            "lag_median": statistics.median(lag for _, lag in self.samples.lag) if self.samples.lag else 0,
            "rate": round(self.rate),
            "workers": self.workers,
            "faults_done": dict(sorted(self.faults.items())),
        }


class Watch:
    """Samples memory and lag from a thread of its own while the ``with`` lasts.

    Parameters:
        members: the workers that faults happen to; they come and go.
        steady: the worker that no fault ends.
        lag: records not committed; None while nobody knows.
    """

    def __init__(
        self, members: Callable[[], Iterable[Watched]], steady: Watched, lag: Callable[[], int | None]
    ) -> None:
        self._members = members
        self._steady = steady
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
            self.look(time.monotonic())

    def look(self, now_s: float) -> None:
        """Take one sample of everything; ``now_s`` is of the monotonic clock."""
        at_s = now_s - self._begun
        for member in self._members():
            if now_s - member.started_s >= _GROWN_UP_S and (resident_mb := member.resident_mb()):
                self.samples.resident_mb.append((at_s, resident_mb))
        if steady_mb := self._steady.resident_mb():
            self.samples.steady_mb.append((at_s, steady_mb))
        lag = self._lag()
        if lag is not None:
            self.samples.lag.append((at_s, lag))


def most_per_second(broker: Broker, folder: Path, pace: Pace, workers: int) -> float:
    """Executions per second that so many workers learn, save and commit when everything waits for them.

    Rather too few than too many: the time of the last save and commit, and of noticing it, counts too.
    """
    with scene(broker, folder, pace, workers=workers, partitions=PARTITIONS) as stage:
        stage.feed.burst(stage.feed.prepare(_CALIBRATION // 4))  # compiles, and fits the first forests
        stage.settle()
        records = stage.feed.prepare(_CALIBRATION)
        begun = time.monotonic()
        stage.feed.burst(records)
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
    longest time between two. Beside the ``workers`` that faults stop and kill there is one more in their group, alive
    from beginning to end, whose memory shows leaks: rebalances and brokers that are away reach it too.

    Raises:
        TracehoundError: a worker ended by itself, or did not come to an end.
    """
    possible = [
        fault for fault in faults if fault.needs == "kafka" or (fault.needs == "cluster" and broker.brokers > 2)
    ]
    done: Counter[str] = Counter()
    settings = Pace(pace.rounds, pace.pause_s, pace.away_s, rate, pace.applications, pace.settle_s)
    with ExitStack() as stack:
        stage = stack.enter_context(scene(broker, folder, settings, workers=workers, partitions=PARTITIONS))
        steady = stack.enter_context(_steady(stage))
        begun = time.monotonic()
        watch = Watch(lambda: list(stage.crew.members), steady.members[0], stage.lag)
        with stage.feed, watch:
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
                steady.check()
                _bring_back(stage, workers)
            stage.feed.stop()
        lasted_s = time.monotonic() - begun
        stage.settle()
        stage.crew.stop()
        steady.stop()
        verdict = stage.verdict()
    return Soaked(lasted_s / 60, rate, workers, done, watch.samples, verdict)


@contextmanager
def _steady(stage: Scene) -> Iterator[Crew]:
    folder = stage.folder / "steady"
    folder.mkdir()
    with Crew(folder, stage.environment) as crew:  # not the scene's: faults take any of those
        crew.hire()
        crew.wait_until_ready()
        yield crew


def _bring_back(stage: Scene, workers: int) -> None:
    for member in list(stage.crew.members):
        if not member.runs:
            raise TracehoundError(f"{member.name} has ended by itself:\n{member.end_of_log()}")
    while len(stage.crew.members) < workers:
        stage.crew.hire()
    stage.crew.wait_until_ready()

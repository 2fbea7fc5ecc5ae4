"""Fills the topics that contenders read, and lets contenders take turns on them."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tracehound.detectors.forests.refitting import next_refit
from tracehound.detectors.settings import DetectionSettings
from tracehound.infra.kafka.broker import Broker
from tracehound.infra.kafka.embedded_process import EmbeddedBrokerProcess
from tracehound.infra.kafka.topics import connect as connect_admin
from tracehound.infra.kafka.topics import ensure_topics
from tracehound.schemas.errors import BrokerError
from tracehound.schemas.topics import Topic, Topics
from tracehound.scripts.benchmarks.cores import on_cores
from tracehound.scripts.benchmarks.measured_process import Measurement, measure
from tracehound.scripts.benchmarks.throughput.contender_list import Contender, Field, Workload
from tracehound.scripts.benchmarks.throughput.fixed_loop import time_fixed_loop
from tracehound.scripts.benchmarks.workload import executions, records
from tracehound.scripts.kafka.clients import producer_config
from tracehound.scripts.recorded.sending import TopicWriter, connect
from tracehound.streams.settings.settings import load_settings

PARTITIONS: Final = 12
SEGMENTS: Final = 5
CLOCK_STARTS: Final = 0.7
"""The share of the executions after which the clock starts: every application has its second forest by then."""
TIMEOUT_S: Final = 600.0
_REFITS_BEFORE: Final = 2
"""Refits of each application before the clock starts. They come ever more rarely, up to one in 50,000 executions; here
all applications are equally old, so that the second ones, all at once, would cost more than scoring does."""
_RIVER_WINDOW: Final = 250  # half-space trees do not score during their first window
_GROWN: Final = 3_000  # executions of an application after which its random cut forest counts as grown
_FLUSH_S: Final = 120.0
_DELETE_S: Final = 30.0
_POLL_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much there is to read: executions of fast and of slow contenders, and their spread over names.

    ``batch`` is how many executions of one application are in a record of the workload ``arrays``. Slow contenders have
    fewer applications, or their models would not be there when the clock starts; a smaller working set is in their
    favour.
    """

    count: int = 1_080_000
    short_count: int = 31_250
    applications: int = 200
    operations: int = 20
    batch: int = 50
    short_applications: int = 50
    grown_count: int = 230_000
    grown_applications: int = 50

    def of(self, workload: Workload) -> tuple[int, int]:
        """How many executions a workload has, and of how many applications."""
        if workload == "short":
            return self.short_count, self.short_applications
        if workload == "grown":
            return self.grown_count, self.grown_applications
        return self.count, self.applications

    def why_cold(self) -> str | None:
        """Which models are not there yet when the clock starts, or None: figures would flatter those who have them."""
        settings = DetectionSettings()
        forests = 0
        for _ in range(_REFITS_BEFORE):
            forests = next_refit(forests, 1.0, settings)
        forests += settings.refit_delay
        kinds: tuple[tuple[str, Workload, float], ...] = (
            ("our isolation forests", "single", forests),
            ("River's half-space trees", "short", _RIVER_WINDOW),
            ("random cut forests that have grown", "grown", _GROWN),
        )
        for what, workload, needed in kinds:
            count, applications = self.of(workload)
            expected = CLOCK_STARTS * count / applications
            least = expected - 3 * expected**0.5  # applications are drawn at random
            if least < needed:
                return (
                    f"{what} judge from {needed:,.0f} executions of an application on, and when the clock starts some "
                    f"applications have {max(0.0, least):,.0f}"
                )
        return None


class Arena:
    """One broker with the workloads on it. Contenders run pinned to ``core``, each as a group of its own."""

    def __init__(self, kafka: Broker, sizes: Sizes, folder: Path, core: int) -> None:
        self._kafka = kafka
        self._sizes = sizes
        self._folder = folder
        self._core = core
        self._learned: set[Workload] = set()
        self._own = f"bench-{time.time_ns() // 1_000_000:x}"  # an external broker keeps the topics of earlier runs

    def fill(self, workloads: Sequence[Workload]) -> None:
        """Create and fill the topics of these workloads.

        Raises:
            BrokerError: Kafka does not take the executions.
        """
        for workload in workloads:
            self._fill(workload, self._topics(workload))

    def _fill(self, workload: Workload, topics: Topics) -> None:
        sizes = self._sizes
        settings = load_settings(bootstrap_servers=self._kafka.bootstrap_servers)
        self._kafka.create_topics(topics)
        writer = TopicWriter(connect(producer_config(settings), topics.executions), topics.executions)
        count, applications = sizes.of(workload)
        made = executions(count, applications, sizes.operations, SEGMENTS, time.time())
        for key, value, _ in records(made, sizes.batch if workload == "arrays" else 1):
            writer.produce(value, key.encode())
        writer.close(_FLUSH_S)

    def run(
        self,
        contender: Contender,
        turn: str,
        when_warm: Callable[[int], object] | None = None,
        when_done: Callable[[], object] | None = None,
    ) -> Measurement:
        """Let a contender read its whole workload; ``turn`` names this time, the rest is as in ``measure``.

        Raises:
            RuntimeError: it failed, or has not processed every execution once.
        """
        name = f"{self._own}-{contender.name}-{turn}"
        folder = self._folder / name
        folder.mkdir()
        topics = (
            self._without_states(contender.workload) if contender.saves_states else self._topics(contender.workload)
        )
        field = Field(self._kafka, topics, name, folder)
        self._create(contender.changelogs(field))
        total, _ = self._sizes.of(contender.workload)
        program = contender.program(field)
        return measure(program, total, self._core, TIMEOUT_S, when_warm, CLOCK_STARTS, when_done)

    def time_loop(self) -> float:
        """What the fixed loop takes now on the contenders' core, in seconds."""
        with on_cores({self._core}):
            return time_fixed_loop()

    def _without_states(self, workload: Workload) -> Topics:
        """The workload's topics without what earlier workers have learned of them: they would be skipped."""
        topics = self._topics(workload)
        if self._kafka.embedded:  # cannot delete topics
            topics = Topics(f"{self._own}-{workload}-{time.monotonic_ns()}.", PARTITIONS)
            self._fill(workload, topics)
        elif workload in self._learned:
            self._delete(topics.model_states.name)
            self._kafka.create_topics(topics)
        self._learned.add(workload)
        return topics

    def _delete(self, topic: str) -> None:
        client = connect_admin(self._kafka.client_config).admin
        client.delete_topics([topic])[topic].result(_DELETE_S)
        deadline_s = time.monotonic() + _DELETE_S
        while topic in client.list_topics(timeout=_DELETE_S).topics:
            if time.monotonic() > deadline_s:
                raise BrokerError(f"The topic {topic} must be gone {_DELETE_S:g} s after it was deleted.")
            time.sleep(_POLL_S)

    def _topics(self, workload: Workload) -> Topics:
        return Topics(f"{self._own}-{workload}.", PARTITIONS)

    def _create(self, topics: Sequence[Topic]) -> None:
        if isinstance(self._kafka.cluster, EmbeddedBrokerProcess):
            for topic in topics:
                self._kafka.cluster.create_topic(topic.name, topic.partitions)
        elif topics:
            ensure_topics(self._kafka.client_config, topics, self._kafka.replication_factor)


@contextmanager
def everything_but(core: int) -> Iterator[None]:
    """Keep this process, and what it starts, off a core, where there are others."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, allowed - {core} or allowed)
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def take_turns(
    arena: Arena, contenders: Sequence[Contender], rounds: int, tell: Callable[[str], object]
) -> tuple[Mapping[str, Sequence[Measurement]], Sequence[float]]:
    """``rounds`` measurements of each contender, one after the other in every round; and what the fixed loop took on
    their core before the first round and after each, in seconds.
    """
    runs: dict[str, list[Measurement]] = {contender.name: [] for contender in contenders}
    loops = [arena.time_loop()]
    for number in range(1, rounds + 1):
        for contender in contenders:
            runs[contender.name].append(arena.run(contender, str(number)))
            tell(f"round {number}, {contender.name}: {_sentence(runs[contender.name][-1])}")
        loops.append(arena.time_loop())
        tell(f"round {number}, the fixed loop: {loops[-1]:.3f} s")
    return runs, loops


def _sentence(run: Measurement) -> str:
    return (
        f"{run.executions_per_second:,.0f} executions/s, {run.cpu_s_per_million:,.1f} µs of CPU for each, "
        f"{run.peak_mb:,.0f} MB"
    )

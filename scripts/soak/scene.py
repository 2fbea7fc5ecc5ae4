"""Everything one fault happens to: a broker with topics of its own, the workers, the feed, and how long things take."""

import itertools
import random
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException

from tracehound.infra.kafka.apache import ApacheKafka
from tracehound.infra.kafka.broker import Broker
from tracehound.infra.kafka.embedded_process import EmbeddedBrokerProcess
from tracehound.schemas.codec import encode
from tracehound.schemas.errors import BrokerError, TracehoundError
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.topics import Topics
from tracehound.scripts.soak.checker import Verdict
from tracehound.scripts.soak.crew import Crew
from tracehound.scripts.soak.feed import Feed, executions
from tracehound.scripts.soak.reading import ends_and_commits, verdict_on
from tracehound.scripts.strangers.sending import Strangers

SESSION_S = 6.0
"""The shortest session that Apache Kafka's default settings allow."""
_POLL_S = 0.3
_SEEDS = 50


@dataclass(frozen=True, slots=True)
class Pace:
    """How often and for how long things are done.

    ``rounds``: repetitions of kills and the like. ``pause_s``: the longest random wait between them.
    ``away_s``: how long brokers are away. ``rate``: executions per second. ``settle_s``: the longest that
    workers may take to learn, save and commit what is left. ``least``: so many executions are sent at least.
    ``fuzzed_s``: how long strangers send to a worker.
    """

    rounds: int = 3
    pause_s: float = 2.0
    away_s: float = 15.0
    rate: float = 300.0
    applications: int = 5
    settle_s: float = 60.0
    least: int = 0
    fuzzed_s: float = 5.0


PACES: Final = {
    "long": Pace(rounds=6, pause_s=5.0, away_s=60.0, rate=1_000.0, applications=10, settle_s=900.0, fuzzed_s=3_600.0),
    "short": Pace(2, pause_s=2.0, away_s=10.0, rate=300.0, applications=5, settle_s=900.0, least=3_000, fuzzed_s=60.0),
}
"""By name; the short one is for a machine that has other things to do."""
LONG: Final = PACES["long"]


class Scene:
    """One broker, one set of topics, one group of workers, and the feed.

    Parameters:
        broker: any kind; its ``cluster`` is what faults stop and kill.
        folder: for logs and states; a temporary one of the caller's.
        seed: of random moments and of the feed.
        partitions: of each topic.
        environment: further settings of the workers.

    A fault may say which applications alone are ``judged`` in the end, and what it ``measured``.
    """

    def __init__(
        self,
        broker: Broker,
        folder: Path,
        pace: Pace,
        seed: int = 1,
        partitions: int = 4,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.broker = broker
        self.folder = folder
        self.pace = pace
        self.chance = random.Random(seed)
        prefix = f"soak-{uuid.uuid4().hex[:8]}."
        self.topics = Topics(prefix, partitions, (prefix + "otlp_spans",))
        self.group = prefix + "group"
        self.environment = {
            "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            "TRACEHOUND_TOPIC_PREFIX": prefix,
            "TRACEHOUND_PARTITIONS": str(partitions),
            "TRACEHOUND_GROUP_ID": self.group,
            "TRACEHOUND_BROKER_IS_EMBEDDED": str(broker.embedded).lower(),
            "TRACEHOUND_SESSION_TIMEOUT_S": str(SESSION_S),
            "TRACEHOUND_COMMIT_INTERVAL_S": "0.5",
            "TRACEHOUND_SAVE_INTERVAL_S": "0.5",
            **(environment or {}),
        }
        self.judged: Collection[ApplicationKey] | None = None
        self.measured: dict[str, float] = {}
        self.crew = Crew(folder, self.environment)
        self.feed = Feed(broker.bootstrap_servers, self.topics.executions.name, pace.rate, pace.applications, seed)

    def strangers(self) -> Strangers:
        """Those who send what nobody should, some of it to the applications of the feed."""
        some = executions(self.pace.applications, self.chance.randrange(2**31), self.pace.rate, time.time())
        seeds = [encode(execution) for execution in itertools.islice(some, _SEEDS)]
        topic = self.topics.executions.name
        return Strangers(self.broker.bootstrap_servers, topic, self.topics.partitions, seeds, self.chance)

    @property
    def cluster(self) -> ApacheKafka:
        """The brokers, to stop and kill.

        Raises:
            TracehoundError: they were not started here, from the JVM.
        """
        if not isinstance(self.broker.cluster, ApacheKafka):
            raise TracehoundError(f"This needs brokers on the JVM. Got one of kind {self.broker.kind!r} instead.")
        return self.broker.cluster

    @property
    def embedded(self) -> EmbeddedBrokerProcess:
        """The embedded broker, to inject errors.

        Raises:
            TracehoundError: it is another one.
        """
        if not isinstance(self.broker.cluster, EmbeddedBrokerProcess):
            raise TracehoundError(f"This needs the embedded broker. Got one of kind {self.broker.kind!r} instead.")
        return self.broker.cluster

    def pause(self, longest_s: float | None = None) -> None:
        """Wait for a random time."""
        time.sleep(self.chance.uniform(0.1, 1.0) * (longest_s or self.pace.pause_s))

    def lag(self) -> int | None:
        """Records that are not yet committed; None while no broker answers."""
        try:
            found = ends_and_commits(self.broker.bootstrap_servers, self.group, self.topics.executions.name)
        except (BrokerError, KafkaException):
            return None
        return sum(end - committed for end, committed in found.values())

    def settle(self, enough: Callable[[int], bool] = lambda lag: lag == 0) -> None:
        """Wait until everything is learned, saved and committed (or the lag is small enough).

        Raises:
            TracehoundError: it takes too long, or a worker has ended by itself.
        """
        deadline = time.monotonic() + self.pace.settle_s
        while (lag := self.lag()) is None or not enough(lag):
            self.crew.check()
            if time.monotonic() > deadline:
                logs = "\n".join(f"{one.name}:\n{one.end_of_log()}" for one in self.crew.members)
                raise TracehoundError(f"{lag} records are not committed after {self.pace.settle_s:g} s.\n{logs}")
            time.sleep(_POLL_S)

    def verdict(self) -> Verdict:
        """What became of everything that was sent; call it once all workers have ended."""
        return verdict_on(self.broker.bootstrap_servers, self.topics, self.judged)


@contextmanager
def scene(
    broker: Broker,
    folder: Path,
    pace: Pace,
    seed: int = 1,
    workers: int = 1,
    partitions: int = 4,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Scene]:
    """A scene whose topics exist and whose workers have joined; they are killed when the ``with`` ends."""
    made = Scene(broker, folder, pace, seed, partitions, environment)
    broker.create_topics(made.topics)
    with made.crew:
        for _ in range(workers):
            made.crew.hire()
        made.crew.wait_until_ready()
        yield made

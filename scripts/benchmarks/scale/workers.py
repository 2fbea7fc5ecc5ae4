"""One worker and several on a real broker: what a second one adds where two cores carry all of it."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.codec import encode
from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.topics import Topics
from tracehound.scripts.benchmarks.measured_process import WARM_SHARE, cpu_seconds
from tracehound.scripts.benchmarks.scale.workload import Size, traffic
from tracehound.scripts.kafka.clients import producer_config
from tracehound.scripts.recorded.sending import TopicWriter, connect
from tracehound.scripts.soak.crew import Crew
from tracehound.streams.settings.settings import Settings

PARTITIONS: Final = 12
_POLL_S: Final = 0.1
_TIMEOUT_S: Final = 240.0


@dataclass(frozen=True, slots=True)
class Crewed:
    """What so many workers did together over the last 60 % of the executions; CPU time is that of the workers.

    ``least_share`` is the share of the executions that the least busy of them scored.
    """

    workers: int
    operations: int
    segments: int
    executions_per_second: float
    executions_per_cpu_second: float
    resident_mb: float
    least_share: float


def measure(kafka: Broker, folder: Path, workers: int, size: Size, count: int) -> Crewed:
    """Send ``count`` executions to workers that wait for them, and time how they get through.

    Raises:
        TracehoundError: a worker ended, or they take too long.
    """
    topics = Topics(f"bench-scale-{time.time_ns() // 1_000_000:x}.", PARTITIONS)
    kafka.create_topics(topics)
    values = [(one.application.encode(), encode(one)) for one in islice(traffic(size), count)]
    config = producer_config(Settings(bootstrap_servers=kafka.bootstrap_servers))
    writer = TopicWriter(connect(config, topics.executions), topics.executions)
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "TRACEHOUND_TOPIC_PREFIX": topics.prefix,
        "TRACEHOUND_PARTITIONS": str(PARTITIONS),
        "TRACEHOUND_GROUP_ID": f"{topics.prefix}group",
    }

    def send() -> None:
        for key, value in values:
            writer.produce(value, key)
        writer.close(_TIMEOUT_S)

    with Crew(folder, environment) as crew, ThreadPoolExecutor(1) as beside:
        for _ in range(workers):
            crew.hire()
        crew.wait_until_ready()
        sending = beside.submit(send)
        begun_s, begun_cpu_s, first = _wait(crew, int(WARM_SHARE * count))
        ended_s, ended_cpu_s, last = _wait(crew, count)
        sending.result()
        if first >= count:
            raise TracehoundError(f"The executions must take longer than a look at the metrics. Got {count:,}.")
        scored = [member.counted("executions_total") for member in crew.members]
        resident_mb = sum(member.resident_mb() for member in crew.members)
        crew.stop()
    done = last - first
    return Crewed(
        workers,
        size.operations,
        size.segments,
        done / (ended_s - begun_s),
        done / (ended_cpu_s - begun_cpu_s),
        resident_mb,
        min(scored) / sum(scored),
    )


def _wait(crew: Crew, count: int) -> tuple[float, float, float]:
    """Wait until the workers have scored so many; returns wall and CPU seconds, and how many they have."""
    deadline = time.monotonic() + _TIMEOUT_S
    while (scored := sum(member.counted("executions_total") for member in crew.members)) < count:
        crew.check()
        if time.monotonic() > deadline:
            raise TracehoundError(f"{len(crew.members)} workers must score {count:,} executions. Got {scored:,.0f}.")
        time.sleep(_POLL_S)
    return time.monotonic(), sum(cpu_seconds(member.pid) for member in crew.members), scored

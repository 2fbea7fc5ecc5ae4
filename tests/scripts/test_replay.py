import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from schemas.anomaly import AnomalyEvent
from schemas.execution import Execution
from schemas.topics import Topics
from scripts.cli import main
from scripts.kafka_clients import consumer_config
from scripts.offline import ScoreLine
from scripts.replay import Pace, shifted
from scripts.topic_reading import TopicReader
from streams.settings import Settings

START_S = 1_700_000_000.0


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """300 executions of two applications as JSON lines; the last 30 of cart take a hundred times as long."""
    generator = random.Random(1)
    lines = []
    for number in range(300):
        application = "cart" if number % 2 else "orders"
        slow = 100.0 if application == "cart" and number >= 240 else 1.0
        execution = Execution(
            application,
            f"GET /items/{number}",
            START_S + number,
            slow * generator.lognormvariate(3, 0.2),
            f"t{number}",
        )
        lines.append(msgspec.json.encode(execution))
    path = tmp_path / "executions.jsonl"
    path.write_bytes(b"\n".join(lines))
    return path


def replay(*arguments: object, env: Mapping[str, str] | None = None) -> Result:
    return CliRunner(env=env).invoke(main, ["replay", *map(str, arguments)])


def test_offline_writes_a_score_per_execution_and_the_anomalies(recorded: Path, tmp_path: Path) -> None:
    scores, anomalies = tmp_path / "scores.jsonl", tmp_path / "anomalies.jsonl"

    result = replay("--offline", recorded, "--scores", scores, "--anomalies", anomalies)

    assert result.exit_code == 0, result.output
    lines = [msgspec.json.decode(line, type=ScoreLine) for line in scores.read_bytes().splitlines()]
    assert [line.trace_id for line in lines] == [f"t{number}" for number in range(300)]
    assert set(json.loads(scores.read_bytes().splitlines()[0])) == {
        *("trace_id", "application", "operation", "started_at", "score", "severity", "warming"),
    }
    assert {line.operation for line in lines} == {"GET /items/{id}"}
    assert lines[0].warming
    assert not lines[-1].warming
    found = [msgspec.json.decode(line, type=AnomalyEvent) for line in anomalies.read_bytes().splitlines()]
    assert {one.data.application for one in found} == {"cart"}
    assert {line.application for line in lines if line.severity is not None} == {"cart"}
    assert f"{len(found)} anomalies" in result.output


def test_offline_a_pool_of_processes_gives_the_same_as_fitting_here(recorded: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / "inline.jsonl", tmp_path / "pool.jsonl"]
    settings = {"TRACEHOUND_DETECTION__FIRST_REFIT": "64", "TRACEHOUND_DETECTION__REFIT_DELAY": "16"}

    for path, processes in zip(outputs, (0, 1), strict=True):
        result = replay("--offline", recorded, "--scores", path, "--fit-processes", processes, env=settings)
        assert result.exit_code == 0, result.output

    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_offline_a_limit_ends_early(recorded: Path) -> None:
    assert "7 traces, 7 executions" in replay("--offline", recorded, "--limit", 7).output


def test_results_to_files_need_offline(recorded: Path, tmp_path: Path) -> None:
    result = replay(recorded, "--scores", tmp_path / "scores")

    assert result.exit_code == 2
    assert "need --offline" in result.output


@pytest.mark.parametrize("speed", ["0", "-1", "fast"])
def test_a_speed_is_a_factor_or_max(recorded: Path, speed: str) -> None:
    result = replay(recorded, f"--speed={speed}")

    assert result.exit_code == 2
    assert f"'{speed}' is neither a number above 0 nor 'max'" in result.output


def test_without_a_broker_there_is_one_sentence_and_no_traceback(recorded: Path) -> None:
    result = replay(recorded, env={"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})

    assert result.exit_code == 2
    assert result.stderr.startswith("tracehound: No Kafka broker answers at 127.0.0.1:1")
    assert "Traceback" not in result.output


def test_a_missing_topic_is_said(recorded: Path, environment: Mapping[str, str]) -> None:
    result = replay(recorded, env=environment)

    assert result.exit_code == 2
    assert "create it with `tracehound topics`" in result.stderr


def received(topics: Topics, environment: Mapping[str, str]) -> dict[str, list[Execution]]:
    settings = Settings(bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"])
    by_key: dict[str, list[Execution]] = {}
    with TopicReader(consumer_config(settings)) as reader:
        for message in reader.scan(topics.executions.name, reader.ends(topics.executions.name)):
            by_key.setdefault((message.key() or b"").decode(), []).extend(
                msgspec.json.decode(message.value() or b"", type=list[Execution])
            )
    return by_key


@pytest.fixture
def three_partitions(environment: Mapping[str, str], topics: Topics) -> Mapping[str, str]:
    """The environment for topics with the partition count of the fixture ``topics``."""
    return {**environment, "TRACEHOUND_PARTITIONS": str(topics.partitions)}


def test_online_every_application_has_its_executions_in_the_files_order(
    recorded: Path, topics: Topics, three_partitions: Mapping[str, str]
) -> None:
    result = replay(recorded, "--batch", 7, env=three_partitions)

    assert result.exit_code == 0, result.output
    assert "Sent 300 executions in 44 records" in result.output
    found = received(topics, three_partitions)
    for application, parity in (("orders", 0), ("cart", 1)):
        assert [one.trace_id for one in found[application]] == [f"t{n}" for n in range(300) if n % 2 == parity]
    assert found["orders"][0].started_at == START_S


def test_online_event_times_can_be_shifted_to_now(
    recorded: Path, topics: Topics, three_partitions: Mapping[str, str]
) -> None:
    settings = Settings(bootstrap_servers=three_partitions["KAFKA_BOOTSTRAP_SERVERS"])

    assert replay(recorded, "--shift-to-now", env=three_partitions).exit_code == 0

    with TopicReader(consumer_config(settings)) as reader:
        name = topics.executions.name
        sent_s = max(message.timestamp()[1] / 1e3 for message in reader.scan(name, reader.ends(name)))
    found = received(topics, three_partitions)
    starts = sorted(one.started_s for part in found.values() for one in part)
    assert starts[-1] - starts[0] == pytest.approx(299.0)
    assert sent_s - 60 < starts[-1] <= sent_s


class Clock:
    def __init__(self) -> None:
        self.now_s = 50.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


def paced(speed: float, clock: Clock, flush: Callable[[], None] = lambda: None) -> Pace:
    return Pace(speed, flush, clock, clock.sleep)


def test_the_pace_is_event_time_divided_by_the_speed() -> None:
    clock, flushed = Clock(), list[float]()
    pace = paced(60.0, clock, lambda: flushed.append(clock.now_s))

    for event_s in (1_000.0, 1_060.0, 1_061.0, 1_180.0):
        pace.wait_until(event_s)

    assert clock.slept == pytest.approx([1.0, 2.0])
    assert flushed == pytest.approx([50.0, 51.0])


def test_at_full_speed_nothing_waits() -> None:
    clock = Clock()
    pace = paced(float("inf"), clock)

    for event_s in (0.0, 1e6, 2e6):
        pace.wait_until(event_s)

    assert clock.slept == []


def test_a_late_sender_does_not_wait_until_it_has_caught_up() -> None:
    clock = Clock()
    pace = paced(1.0, clock)

    pace.wait_until(0.0)
    clock.now_s += 30
    pace.wait_until(10.0)
    pace.wait_until(31.0)

    assert clock.slept == pytest.approx([1.0])


def test_shifting_by_nothing_keeps_the_execution_itself() -> None:
    execution = Execution("a", "o", 5.0, 1.0)

    assert shifted(execution, 0.0) is execution
    assert (shifted(execution, 7.0).started_at, execution.started_at) == (12.0, 5.0)

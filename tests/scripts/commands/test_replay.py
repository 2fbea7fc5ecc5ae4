import gzip
import json
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import Execution
from tracehound.schemas.spans import TraceChunk
from tracehound.schemas.topics import Topics
from tracehound.scripts.cli import main
from tracehound.scripts.commands.replay import Pace, shifted
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.scripts.recorded.offline import ScoreLine
from tracehound.scripts.recorded.traces import open_recording
from tracehound.streams.intake.assembly.assemble import assemble
from tracehound.streams.intake.formats.decode import decode_spans
from tracehound.streams.intake.formats.decoded import SpanLimits
from tracehound.streams.settings.settings import Settings

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
    with TopicReader(settings) as reader:
        for message in reader.scan(topics.executions.name, reader.ends(topics.executions.name)):
            by_key.setdefault((message.key or b"").decode(), []).extend(
                msgspec.json.decode(message.value or b"", type=list[Execution])
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

    with TopicReader(settings) as reader:
        name = topics.executions.name
        sent_s = max(message.timestamp / 1e3 for message in reader.scan(name, reader.ends(name)))
    found = received(topics, three_partitions)
    starts = sorted(one.started_s for part in found.values() for one in part)
    assert starts[-1] - starts[0] == pytest.approx(299.0)
    assert sent_s - 60 < starts[-1] <= sent_s


@pytest.fixture
def recorded_traces(tmp_path: Path) -> Path:
    """Twelve traces of two services, a second apart, in a folder of the labelled format."""
    traces = [
        {
            "trace_id": f"{number + 1:032x}",
            "start_us": (START_S + number) * 1e6,
            "spans": [
                ["gateway", "GET /", -1, 0, 900],
                ["gateway", "HTTP GET", 0, 10, 800, None, "okhttp"],
                ["cart", "GET /cart", 1, 20, 700 + number, None, None, None, number % 2],
                ["cart", "SELECT items", 2, 30, 600],
            ],
        }
        for number in range(12)
    ]
    (tmp_path / "events.jsonl.gz").write_bytes(gzip.compress(b"\n".join(map(msgspec.json.encode, traces))))
    return tmp_path


@pytest.fixture
def otlp(embedded_kafka: Broker, environment: Mapping[str, str], prefix: str) -> Mapping[str, str]:
    """The environment with an OTLP topic of this test's own, which exists."""
    name = f"{prefix}otlp"
    embedded_kafka.create_topics(Topics(prefix, 3, (name,)))
    return {**environment, "TRACEHOUND_PARTITIONS": "3", "TRACEHOUND_INTAKE__OTLP_TOPICS": name}


def joined(env: Mapping[str, str]) -> tuple[list[Execution], int]:
    """The executions that the spans on the OTLP topic make up, and the number of records."""
    chunks: dict[str, list[TraceChunk]] = {}
    name, records = env["TRACEHOUND_INTAKE__OTLP_TOPICS"], 0
    with TopicReader(Settings(bootstrap_servers=env["KAFKA_BOOTSTRAP_SERVERS"])) as reader:
        for message in reader.scan(name, reader.ends(name)):
            assert message.key is None
            records += 1
            decoded = decode_spans(message.value, SpanLimits())
            assert decoded.rejected == []
            for trace_id, chunk in decoded.traces.items():
                chunks.setdefault(trace_id, []).append(chunk)
    return [one for trace_id in sorted(chunks) for one in assemble(trace_id, chunks[trace_id]).executions], records


@pytest.mark.parametrize("sent_as", ["otlp-protobuf", "otlp-json"])
def test_online_recorded_traces_can_be_sent_as_a_collector_sends_them(
    recorded_traces: Path, otlp: Mapping[str, str], sent_as: str
) -> None:
    result = replay(recorded_traces, "--as", sent_as, "--batch", 7, env=otlp)

    assert result.exit_code == 0, result.output
    executions, records = joined(otlp)
    assert executions == [one for trace in open_recording(recorded_traces).traces() for one in trace.executions]
    assert f"Sent 48 spans in {records} records to {otlp['TRACEHOUND_INTAKE__OTLP_TOPICS']}." in result.output
    assert records >= 48 / 7


def test_online_spans_can_be_shifted_to_now(recorded_traces: Path, otlp: Mapping[str, str]) -> None:
    before_s = time.time()

    assert replay(recorded_traces, "--as", "otlp-json", "--shift-to-now", env=otlp).exit_code == 0

    executions, _ = joined(otlp)
    starts = sorted(one.started_s for one in executions)
    assert before_s - 1 < starts[-1] <= time.time()
    assert starts[-1] - starts[0] == pytest.approx(11.00002, abs=2e-6)
    assert [one.duration_ms for one in executions if one.application == "cart"] == [0.7 + n / 1e3 for n in range(12)]


def test_online_files_of_executions_can_be_sent_as_spans(recorded: Path, otlp: Mapping[str, str]) -> None:
    result = replay(recorded, "--as", "otlp-protobuf", "--limit", 20, env=otlp)

    assert "Sent 20 spans in" in result.output
    executions, _ = joined(otlp)
    assert sorted(one.operation for one in executions) == sorted(f"GET /items/{number}" for number in range(20))
    assert {one.started_s - START_S for one in executions} == {float(number) for number in range(20)}


def test_online_executions_can_be_sent_by_trace(recorded_traces: Path, otlp: Mapping[str, str]) -> None:
    result = replay(recorded_traces, "--as", "traces", env=otlp)

    assert "Sent 24 executions in 12 records" in result.output
    name = f"{otlp['TRACEHOUND_TOPIC_PREFIX']}traces.v1"
    found: dict[str, list[Execution]] = {}
    with TopicReader(Settings(bootstrap_servers=otlp["KAFKA_BOOTSTRAP_SERVERS"])) as reader:
        for message in reader.scan(name, reader.ends(name)):
            found[(message.key or b"").decode()] = msgspec.json.decode(message.value or b"", type=list[Execution])
    for trace in open_recording(recorded_traces).traces():
        assert assemble(trace.trace_id, [TraceChunk(executions=found[trace.trace_id])]).executions == trace.executions


def test_a_recording_without_offsets_cannot_be_sent_as_spans(tmp_path: Path, otlp: Mapping[str, str]) -> None:
    line = b'{"trace_id":"t","start_us":1,"spans":[["a","GET /",-1,null,5]]}'
    (tmp_path / "events.jsonl.gz").write_bytes(gzip.compress(line))

    result = replay(tmp_path, "--as", "otlp-json", env=otlp)

    assert result.exit_code == 2
    assert "tracehound: Span 0 of trace 't' must have an offset to be sent as OTLP" in result.stderr
    assert replay(tmp_path, "--as", "traces", env=otlp).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--offline", "--as", "traces"), "--as and --offline exclude each other"),
        (("--offline", "--as", "executions"), "--as and --offline exclude each other"),
        (("--offline", "--topic", "t"), "--topic and --offline exclude each other"),
        (("--topic", "t"), "--topic is for OTLP"),
        (("--as", "jaeger"), "'jaeger' is not one of"),
    ],
)
def test_formats_that_make_no_sense_are_refused_in_a_sentence(
    recorded: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    result = replay(recorded, *arguments)

    assert result.exit_code == 2
    assert sentence in result.output
    assert "Traceback" not in result.output


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

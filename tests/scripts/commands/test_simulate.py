from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.execution import Execution, epoch_seconds
from tracehound.schemas.spans import TraceChunk
from tracehound.schemas.topics import Topics
from tracehound.scripts.cli import main
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.scripts.simulator.truth import Truth
from tracehound.streams.intake.assembly.assemble import assemble
from tracehound.streams.intake.formats.decode import decode_spans
from tracehound.streams.intake.formats.decoded import SpanLimits
from tracehound.streams.settings.settings import Settings

NOW = "2026-01-01T12:00:00Z"


def simulate(*arguments: object, env: Mapping[str, str] | None = None) -> Result:
    return CliRunner(env=env).invoke(main, ["simulate", *map(str, arguments)])


def written(path: Path) -> list[Execution]:
    return [msgspec.json.decode(line, type=Execution) for line in path.read_bytes().splitlines()]


def test_a_file_holds_history_and_duration_around_now(tmp_path: Path) -> None:
    path = tmp_path / "executions.jsonl"

    result = simulate("--output", path, "--history", "30s", "--duration", "20s", "--start", NOW)

    assert result.exit_code == 0, result.output
    starts = [found.started_s - epoch_seconds(NOW) for found in written(path)]
    assert -30 <= min(starts) < -29
    assert 19 < max(starts) <= 20
    assert f"{len(starts):,} executions." in result.stderr


def test_the_same_seed_writes_the_same_file_and_another_seed_another(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one", "same", "other")]
    for path, seed in zip(files, (1, 1, 2), strict=True):
        simulate("--output", path, "--duration", "10s", "--start", NOW, "--seed", seed, "--fault", "n_plus_one@+2s")

    assert files[0].read_bytes() == files[1].read_bytes() != files[2].read_bytes()


def test_faults_are_told_as_they_happen(tmp_path: Path) -> None:
    truth, path = tmp_path / "truth.jsonl", tmp_path / "executions.jsonl"
    faults = ("--fault", "error_burst:payment@+40s/10sx1", "--fault", "silence:cart@+5s/5s")

    result = simulate("--output", path, "--duration", "60s", "--start", NOW, "--truth", truth, *faults)

    told = [msgspec.json.decode(line, type=Truth) for line in truth.read_bytes().splitlines()]
    assert [(one.fault.name, one.fault.application) for one in told] == [
        ("silence", "cart"),
        ("error_burst", "payment"),
    ]
    assert told[0].starts == "2026-01-01T12:00:05.000Z"
    assert result.stdout == ""
    seconds = [(one, one.started_s - epoch_seconds(NOW)) for one in written(path)]
    assert not [one for one, at_s in seconds if one.application == "cart" and 5.5 < at_s < 10]
    assert [one for one, at_s in seconds if one.application == "cart" and 10.5 < at_s < 15]
    assert all(one.failed for one, at_s in seconds if one.application == "payment" and 40.5 < at_s < 50)


def test_random_faults_are_told_on_standard_output(tmp_path: Path) -> None:
    result = simulate("--output", tmp_path / "file", "--duration", "40s", "--start", NOW, "--faults", "random")

    (line,) = result.stdout.splitlines()
    assert msgspec.json.decode(line, type=Truth).starts == "2026-01-01T12:00:30.000Z"


def test_more_applications_can_be_had(tmp_path: Path) -> None:
    path = tmp_path / "executions.jsonl"

    simulate("--output", path, "--duration", "30s", "--start", NOW, "--applications", 12, "--rate", 200)

    assert len({found.application for found in written(path)}) == 12


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--output", "file"), "--output needs --duration"),
        (("--start", NOW), "--start needs --output"),
        (("--output", "file", "--duration", "3s", "--as", "traces"), "--as and --output exclude each other"),
        (("--output", "file", "--duration", "3s", "--topic", "t"), "--topic and --output exclude each other"),
        (("--as", "traces", "--topic", "t"), "--topic is for OTLP"),
        (("--fault", "explosion@+3s"), "A fault must be name"),
        (("--history", "soon"), "like 90s"),
        (("--output", "file", "--duration", "3s", "--start", "noon"), "--start must be an RFC 3339"),
        (("--output", "file", "--duration", "3s", "--fault", "silence:gateway@+1s"), "cannot have the fault"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    arguments: tuple[str, ...], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = simulate(*arguments)

    assert result.exit_code == 2
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_to_kafka_the_past_comes_first_with_the_time_of_sending(
    environment: Mapping[str, str], topics: Topics, tmp_path: Path
) -> None:
    env = {**environment, "TRACEHOUND_PARTITIONS": str(topics.partitions)}
    truth = tmp_path / "truth.jsonl"
    faults = ("--fault", "silence:cart@+0.2s", "--truth", truth)

    result = simulate("--history", "5m", "--duration", "1s", "--rate", 50, *faults, env=env)

    assert result.exit_code == 0, result.output
    settings = Settings(bootstrap_servers=env["KAFKA_BOOTSTRAP_SERVERS"])
    found: list[Execution] = []
    with TopicReader(settings) as reader:
        name = topics.executions.name
        messages = list(reader.scan(name, reader.ends(name)))
    for message in messages:
        executions = msgspec.json.decode(message.value or b"", type=list[Execution])
        assert {one.application.encode() for one in executions} == {message.key}
        found += executions
    starts = [one.started_s for one in found]
    sent_s = [message.timestamp / 1e3 for message in messages]
    assert max(starts) - min(starts) > 298
    assert max(sent_s) - min(sent_s) < 150
    assert 0 < max(sent_s) - max(starts) < 150
    fault = msgspec.json.decode(truth.read_bytes(), type=Truth).fault
    assert min(starts) + 299 < fault.start_s < max(starts)


@pytest.mark.parametrize("sent_as", ["otlp-protobuf", "otlp-json"])
def test_spans_to_a_topic_of_choice_make_up_the_same_kinds_of_executions(
    sent_as: str, embedded_kafka: Broker, environment: Mapping[str, str], prefix: str
) -> None:
    name = f"{prefix}spans-of-others"
    embedded_kafka.create_topics(Topics(prefix, 3, (name,)))

    result = simulate(
        *("--history", "20s", "--duration", "0.5s", "--rate", 50, "--as", sent_as, "--topic", name), env=environment
    )

    assert result.exit_code == 0, result.output
    chunks: dict[str, list[TraceChunk]] = {}
    with TopicReader(Settings(bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"])) as reader:
        for message in reader.scan(name, reader.ends(name)):
            for trace_id, chunk in decode_spans(message.value, SpanLimits()).traces.items():
                chunks.setdefault(trace_id, []).append(chunk)
    found = [one for trace_id in chunks for one in assemble(trace_id, chunks[trace_id]).executions]
    assert result.stderr.endswith(f"{len(found):,} executions.\n")
    assert {one.application for one in found} == {"gateway", "catalog", "cart", "orders", "payment", "users"}
    segments = [segment for one in found for segment in one.segments]
    assert {segment.kind for segment in segments} >= {"db", "http", "cache"}
    assert len([segment for segment in segments if segment.remote_ms is not None]) > 100


def test_a_file_may_be_asked_to_hold_executions(tmp_path: Path) -> None:
    path = tmp_path / "executions.jsonl"

    assert simulate("--output", path, "--duration", "2s", "--start", NOW, "--as", "executions").exit_code == 0

    assert written(path)

"""A file of executions that settings are tried on: written to Kafka as it is, and scored from there."""

import gzip
import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.streams.scoring.tuning.test_run_task import START_S, task
from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.topics import Topics
from tracehound.scripts.commands.recorded_file import FileOfExecutions, write_recorded
from tracehound.scripts.commands.validate import open_source, read_lines
from tracehound.streams.scoring.tuning.recorded import Recorded
from tracehound.streams.scoring.tuning.run_task import run_task
from tracehound.streams.settings.settings import Settings

KEY = ("shop", "")
NOW_S = START_S + 90_000.0
NOWHERE = Recorded(0, 0, 0, 7)


def line(number: int, application: str = "shop", **more: object) -> bytes:
    told = {"application": application, "operation": "GET /", "started_at": START_S + number, "duration_ms": 20.0}
    return json.dumps(told | more).encode()


def test_lines_of_others_and_blank_ones_are_left_out() -> None:
    file = FileOfExecutions(Settings(), KEY, NOW_S)
    both = b"[%s,%s]" % (line(3), line(4, environment="test"))
    kept = list(file.records([line(1), b"", line(2, "cart"), both]))
    assert kept == [line(1), both]
    assert (file.found, file.others) == (2, 2)


@pytest.mark.parametrize(("wrong", "said"), [(b"{", "Line 2: "), (line(1, duration_ms="slow"), "Line 2: ")])
def test_a_line_that_is_none_is_named(wrong: bytes, said: str) -> None:
    with pytest.raises(TracehoundError) as refused:
        list(FileOfExecutions(Settings(), KEY, NOW_S).records([line(1), wrong]))
    assert str(refused.value).startswith(said)


def test_what_is_written_is_what_tasks_score(embedded_kafka: Broker, topics: Topics, tmp_path: Path) -> None:
    settings = Settings(
        bootstrap_servers=embedded_kafka.bootstrap_servers,
        broker_is_embedded=True,
        topic_prefix=topics.prefix,
        partitions=topics.partitions,
    )
    path = tmp_path / "recorded.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join(line(number) for number in range(300))))

    def written(tuning: str) -> Recorded:
        with open_source(str(path)) as source:
            records = FileOfExecutions(settings, KEY, NOW_S).records(read_lines(source, settings.max_record_bytes))
            return write_recorded(settings, tuning, records, NOWHERE)

    for where in (written("t"), written("t")):  # (one behind the other, in one partition)
        assert (where.last - where.first, where.results_from) == (300, 7)
        asked = task(partition=where.partition, first=where.first, last=where.last, from_file=True)
        found = run_task(settings, asked, None, lambda _settings, _task: nullcontext(never))
        assert (found.state, found.executions, found.sentence) == ("done", 300, "")
    assert write_recorded(settings, "t", [], NOWHERE).last == 0


never: Callable[[], bool] = bool

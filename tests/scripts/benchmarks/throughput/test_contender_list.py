from pathlib import Path

import pytest

from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.topics import Topics
from tracehound.scripts.benchmarks.builds import Build
from tracehound.scripts.benchmarks.throughput.__main__ import beside, who_runs
from tracehound.scripts.benchmarks.throughput.contender_list import (
    COMPARED,
    CONTENDERS,
    Field,
    Metrics,
    last_count,
)
from tracehound.scripts.benchmarks.throughput.contenders import faust_river
from tracehound.scripts.benchmarks.throughput.contenders.printed_count import PrintedCount


@pytest.mark.parametrize(
    ("log", "count"),
    [
        (b"", 0),
        (b"12", 0),
        (b"12\n340", 12),
        (b"12\n340\nWARNING: 7 of something\n", 340),
        (b"9\n" * 10_000 + b"11\n", 11),
        (b"x" * 10_000 + b"\n", 0),
    ],
)
def test_the_last_whole_line_that_is_a_number_counts(tmp_path: Path, log: bytes, count: int) -> None:
    (tmp_path / "log").write_bytes(log)

    assert last_count(tmp_path / "log") == count


def test_what_a_worker_must_not_count_here_is_told() -> None:
    metrics = Metrics("http://127.0.0.1:9/metrics")
    metrics.text = 'tracehound_dead_letters_total{error="A"} 2.0\ntracehound_dead_letters_total{error="B"} 1.0\n'
    metrics.text += "tracehound_forwarded_total 0.0\ntracehound_executions_total 5.0\n"

    assert metrics.losses() == "dead_letters: 3"


def test_a_worker_that_does_not_answer_has_scored_nothing() -> None:
    metrics = Metrics("http://127.0.0.1:9/metrics")

    assert (metrics.scored(), metrics.losses()) == (0, "")


def test_who_does_not_run_is_told_with_the_reason() -> None:
    running, absent = who_runs(["bare_decode", "quix_river"], embedded=True)

    assert [contender.name for contender in running] == ["bare_decode"]
    assert "embedded broker" in absent.pop("quix_river")
    assert set(absent.values()) == {"It was not asked for."}
    assert len(absent) == len(CONTENDERS) - 2


def test_names_are_unique_and_arrays_stand_beside_the_contender_that_they_vary() -> None:
    names = [contender.name for contender in CONTENDERS]

    assert len(set(names)) == len(names)
    for contender in CONTENDERS:
        assert (contender.workload == "arrays") == contender.name.endswith("_arrays")
        assert contender.name.removesuffix("_arrays") in names


def test_the_worker_of_another_build_follows_ours_and_imports_its_own_code(tmp_path: Path) -> None:
    turns = beside(CONTENDERS, Build("abc", folder=tmp_path))
    broker = Broker("127.0.0.1:9", "external", 1, None, {})
    program = turns[1].program(Field(broker, Topics("t.", 4), "group", tmp_path))

    assert [contender.name for contender in turns[:3]] == ["tracehound", "tracehound-abc", "tracehound_arrays"]
    assert len(turns) == len(CONTENDERS) + len(COMPARED)
    assert program.environment["PYTHONPATH"] == str(tmp_path)
    assert program.environment["TRACEHOUND_GROUP_ID"] == "group"


@pytest.mark.parametrize(("how", "name"), [("table", "faust_river"), ("take", "faust_river_take")])
def test_the_table_of_faust_has_the_changelog_that_is_created_for_it(tmp_path: Path, how: str, name: str) -> None:
    app = faust_river.build(how, "127.0.0.1:9", "executions", 4, "group", PrintedCount())
    [contender] = [contender for contender in CONTENDERS if contender.name == name]
    broker = Broker("127.0.0.1:9", "external", 1, None, {})
    field = Field(broker, Topics("t.", 4), "group", tmp_path)
    [created] = contender.changelogs(field)

    assert app.tables[faust_river.TABLE].changelog_topic_name == created.name
    assert created.partitions == 4


def test_faust_without_a_table_has_none(tmp_path: Path) -> None:
    app = faust_river.build("no-table", "127.0.0.1:9", "executions", 4, "group", PrintedCount())
    [contender] = [contender for contender in CONTENDERS if contender.name == "faust_river_no_table"]
    broker = Broker("127.0.0.1:9", "external", 1, None, {})

    assert not app.tables.data
    assert not contender.changelogs(Field(broker, Topics("t.", 4), "group", tmp_path))

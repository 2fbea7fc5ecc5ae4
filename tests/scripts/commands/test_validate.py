"""The command `validate`."""

import gzip
import io
from pathlib import Path

import pytest
from click.testing import CliRunner

from tracehound.schemas.errors import TracehoundError
from tracehound.scripts.commands.validate import Problem, Tally, find_problems, read_lines, reads_executions, validate
from tracehound.streams.settings.settings import Settings

GOOD = b'{"application":"shop","operation":"GET /","started_at":1,"duration_ms":5}'
BAD = b'{"application":"shop","operation":"GET /","started_at":1,"duration_ms":-5}'
NEGATIVE = "the field 'duration_ms' must be a finite number >= 0. Got -5 instead."


def test_problems_name_line_and_element() -> None:
    tally = Tally()
    lines = [GOOD, b"", BAD, b"[" + GOOD + b"," + BAD + b"," + BAD + b"]", b"[]", b"  "]
    problems = list(find_problems(lines, reads_executions(Settings(), 100.0), tally))
    assert problems == [
        Problem(3, "InvalidField", "T" + NEGATIVE[1:], 1),
        Problem(4, "InvalidField", f"Elements 1, 2: {NEGATIVE}", 2),
    ]
    assert tally.summary == "4 lines, 5 executions: 2 valid, 3 refused in 2 lines (InvalidField 3)."


def test_what_is_around_an_execution_is_taken_away_as_workers_do() -> None:
    good = b'{"application":"shop","operation":"a","started_at":1,"duration_ms":5}'
    lines = [
        b'{"schema":{},"payload":' + good + b"}",
        b'{"specversion":"1.0","type":"t","data":{}}',
        b'{"resourceSpans":[]}',
    ]
    tally = Tally()

    problems = list(find_problems(lines, reads_executions(Settings(), 10.0), tally))

    assert (tally.valid, [problem.line for problem in problems]) == (1, [2, 3])
    assert problems[0].reason.startswith("Within a CloudEvent: the field 'application' is required.")


def test_the_future_is_judged_from_now() -> None:
    soon = GOOD.replace(b'"started_at":1', b'"started_at":1000')
    assert list(find_problems([soon], reads_executions(Settings(), 700.0), Tally())) == []
    (problem,) = find_problems([soon], reads_executions(Settings(), 699.0), Tally())
    assert problem.error == "FutureTime"


def test_a_line_without_end_is_not_read_into_memory_whole() -> None:
    stream = io.BytesIO(b"a" * 1_000 + b"\r\nshort\n" + b"b" * 1_000)
    lines = list(read_lines(stream, 100))
    assert [line[:5] for line in lines] == [b"aaaaa", b"short", b"bbbbb"]
    assert max(map(len, lines)) == 102


def test_a_good_file_gives_status_0(tmp_path: Path) -> None:
    file = tmp_path / "good.jsonl"
    file.write_bytes(GOOD + b"\n" + GOOD)
    result = CliRunner().invoke(validate, [str(file)])
    assert (result.exit_code, result.output) == (0, "2 lines, 2 executions: 2 valid, 0 refused.\n")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("standard_input", [False, True])
def test_a_bad_file_gives_status_1(tmp_path: Path, packed: bool, standard_input: bool) -> None:
    content = GOOD + b"\n" + BAD + b"\n"
    file = tmp_path / "executions.gz"
    file.write_bytes(gzip.compress(content) if packed else content)
    name = "-" if standard_input else str(file)
    result = CliRunner().invoke(validate, [name], input=file.read_bytes() if standard_input else None)
    assert result.exit_code == 1
    assert result.output == (
        f"{name}:2: T{NEGATIVE[1:]}\n2 lines, 2 executions: 1 valid, 1 refused in 1 lines (InvalidField 1).\n"
    )


def test_what_is_printed_is_limited_and_escaped(tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_bytes(b'{"\\u001b[31m":1}\n' * 5)
    result = CliRunner().invoke(validate, [str(file), "--limit", "2"])
    assert result.output.count("The field 'application' is required.") == 2
    assert "More problems follow" in result.output
    assert "5 refused" in result.output
    assert "\x1b" not in result.output


@pytest.mark.parametrize("content", [None, gzip.compress(GOOD, mtime=0)[:20]])
def test_what_cannot_be_read_is_said(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    result = CliRunner().invoke(validate, [str(file)])
    assert isinstance(result.exception, TracehoundError)
    assert str(file) in str(result.exception)


def test_log_events_are_judged_as_intake_and_the_gateway_do(tmp_path: Path) -> None:
    file = tmp_path / "logs.jsonl"
    good = b'{"message":"CPU spike detected","level":"warning"}'
    file.write_bytes(good + b"\n[" + good + b',{"message":"up","level":"loud"}]\n' + GOOD)
    result = CliRunner().invoke(validate, [str(file), "--logs"])
    assert result.exit_code == 1
    assert "logs.jsonl:2: Element 1: the field 'level' must be one of trace, debug, info" in result.output
    assert "logs.jsonl:3: The field 'message' is required." in result.output
    assert "3 lines, 4 log events: 2 valid, 2 refused in 2 lines" in result.output

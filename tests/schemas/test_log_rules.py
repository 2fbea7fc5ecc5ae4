"""Log events are read as the page about logs says: names of levels, times, arrays with bad neighbours."""

import logging
import re

import msgspec
import pytest

from tests.checkout import PROJECT
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.log_levels import LEVEL_OF_NAME, LEVELS, level_of
from tracehound.schemas.log_rules import decode_log_record

PAGE = (PROJECT / "docs" / "logs.md").read_text(encoding="utf-8")
SYSLOG = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")


def test_the_page_has_every_name_of_a_level() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([a-z, ]+) \| \d", PAGE, re.MULTILINE)
    assert [level for level, _ in rows] == list(LEVELS)
    assert {name: level for level, names in rows for name in names.split(", ")} == LEVEL_OF_NAME


def test_levels_of_loggers_and_of_syslog_keep_their_order() -> None:
    of_syslog = [level_of(name) for name in SYSLOG]
    assert of_syslog == ["critical"] * 3 + ["error", "warning", "info", "info", "debug"]
    of_python = [level_of(logging.getLevelName(number)) for number in (10, 20, 30, 40, 50)]
    assert of_python == ["debug", "info", "warning", "error", "critical"]
    assert [level_of(name) for name in ("", "2", "7", "loud", "warn5", "t2")] == [None] * 6


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (None, "NullValue"),
        (b"", "InvalidJson"),
        (b"[1,", "InvalidJson"),
        (b'{"message": "\xff", "level": "info"}', "InvalidUtf8"),
        (b'{"message": "up", "level": "info", "attributes": ' + b'{"a":' * 40 + b"1" + b"}" * 41, "InvalidField"),
        (b'{"message": "up", "level": "info", "timestamp": -1}', "InvalidTime"),
        (b'{"message": "up", "level": "info", "timestamp": "yesterday"}', "InvalidTime"),
        (b'{"message": "up", "level": "info", "timestamp": NaN}', "InvalidJson"),
        (b'{"message": "' + b"x" * 2_000 + b'", "level": "info"}', "OversizedEvent"),
        (b"[" + b" " * 8_000 + b"]", "OversizedRecord"),
    ],
)
def test_what_is_wrong_is_told_by_its_class(value: bytes | None, error: str) -> None:
    limits = Limits(max_event_bytes=2_000, max_record_bytes=8_000)
    decoded = decode_log_record(value, limits, 10.0)
    assert (decoded.events, [each.error for each in decoded.rejected]) == ([], [error])
    assert decoded.rejected[0].value_bytes == value
    assert decoded.rejected[0].reason.endswith(".")


def test_good_neighbours_of_bad_elements_are_kept_and_bad_ones_have_their_bytes() -> None:
    good, bad = b'{"message": "up", "level": "INFO"}', b'{"message": "up", "level": 3}'
    decoded = decode_log_record(b"[" + b",".join([good, bad, good, bad]) + b"]", Limits(), 10.0)
    assert [(event.level, event.timestamp) for event in decoded.events] == [("info", 10.0)] * 2
    assert [(each.indexes, each.value_bytes) for each in decoded.rejected] == [((1, 3), b"[" + bad + b"," + bad + b"]")]


def test_many_empty_elements_are_refused_without_a_look() -> None:
    decoded = decode_log_record(b"[" + b",".join([b"{}"] * 1_000) + b"]", Limits(), 10.0)
    assert sum(len(each.indexes) for each in decoded.rejected) == 1_000
    assert len(decoded.rejected) <= 2


def test_what_is_decoded_can_be_written_and_read_again() -> None:
    value = b'{"message": "up", "level": "err", "application": "shop", "timestamp": "2026-01-01T00:00:00+01:00"}'
    (event,) = decode_log_record(value, Limits(), 2e9).events
    assert decode_log_record(msgspec.json.encode(event), Limits(), 2e9).events == [event]

"""The page about the contracts says what the code does."""

import re
from typing import get_args

import pytest

from tests.checkout import PROJECT
from tracehound.schemas.codec import decode_record
from tracehound.schemas.dead_letter import RESENT_HEADER, TRUNCATED_HEADER, DeadLetterHeaders
from tracehound.schemas.execution import Execution, Segment
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.rejection import ErrorName
from tracehound.schemas.topics import Topics

PAGE = (PROJECT / "docs" / "contracts.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_valid(example: str) -> None:
    decoded = decode_record(example.encode(), Limits(), 2e9)
    assert decoded.rejected == []
    assert decoded.executions


def test_there_are_examples_of_everything() -> None:
    names = [*Execution.__struct_fields__, *Segment.__struct_fields__]
    in_examples = "".join(EXAMPLES)
    assert [name for name in names if f'"{name}"' not in in_examples] == []


def test_topics_headers_and_errors_are_all_named() -> None:
    expected = [topic.name for topic in Topics("").all()]
    expected += [*DeadLetterHeaders.__struct_encode_fields__, TRUNCATED_HEADER, RESENT_HEADER]
    expected += get_args(ErrorName)
    assert [name for name in expected if f"`{name}`" not in PAGE] == []


def test_defaults_of_limits_are_right() -> None:
    limits = Limits()
    assert f"at most {limits.max_future_s:g} s after" in PAGE
    assert f"at most {limits.max_segments:,} (setting" in PAGE
    assert f"{limits.max_event_bytes // 10**6} MB (`max_event_bytes`)" in PAGE
    assert f"{limits.max_record_bytes // 10**6} MB (`max_record_bytes`)" in PAGE

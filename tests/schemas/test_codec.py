"""Decoding what is valid, refusing what is not with exactly its bytes, and the digest of content."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.schemas.bad_elements import BAD_ELEMENTS, GOOD, with_field
from tracehound.schemas.codec import DecodedRecord, content_digest, decode_record, decode_unread, encode
from tracehound.schemas.execution import Execution, UnreadExecution, whole
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.rejection import Rejection

NOW_S = 1_767_225_600.0
LIMITS = Limits()
ExecutionsOf = Callable[[str | None], st.SearchStrategy[dict[str, Any]]]


def decode(value: bytes | None, limits: Limits = LIMITS) -> DecodedRecord:
    return decode_record(value, limits, NOW_S)


def only_rejection(value: bytes | None, limits: Limits = LIMITS) -> Rejection:
    decoded = decode(value, limits)
    assert decoded.executions == []
    (rejection,) = decoded.rejected
    return rejection


SMALL = sorted(name for name, (element, _, _) in BAD_ELEMENTS.items() if len(element) < 10_000)
bad_elements = pytest.mark.parametrize(("element", "error", "sentence"), BAD_ELEMENTS.values(), ids=BAD_ELEMENTS.keys())


@bad_elements
def test_a_bad_record_is_refused_whole_with_its_bytes(element: bytes, error: str, sentence: str) -> None:
    reason = sentence[0].upper() + sentence[1:]
    assert only_rejection(element) == Rejection((), element, error, reason)  # type: ignore[arg-type] # a name


@bad_elements
def test_good_neighbours_of_a_bad_element_survive(element: bytes, error: str, sentence: str) -> None:
    decoded = decode(b"[" + GOOD + b" ,\n" + element + b"," + GOOD + b"]")
    assert [execution.application for execution in decoded.executions] == ["shop", "shop"]
    (rejection,) = decoded.rejected
    assert rejection.indexes == (1,)
    assert rejection.value_bytes == b"[" + element + b"]"
    assert rejection.error == error
    assert rejection.reason == f"Element 1: {sentence}"


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (b"", "The JSON is malformed: Input data was truncated."),
        (GOOD[:-1], "The JSON is malformed: Input data was truncated."),
        (b"\xef\xbb\xbf" + GOOD, "The JSON is malformed: invalid character (byte 0)."),
        (b"[" + GOOD, "The array is malformed: it ends before its last bracket is closed."),
        (b"[" + GOOD + b"}", "The array is malformed: the bracket at byte 89 closes nothing."),
        (b"[" + GOOD + b",]", "The array is malformed: an element is missing at byte 90."),
        (b"[" + GOOD + b"] [", "The array is malformed: something follows the array at byte 90."),
        (b"[" * 500_000, "The array is malformed: it ends before its last bracket is closed."),
        (b'["' + b'\\"' * 500_000, "The array is malformed: the string that begins at byte 1 does not end."),
    ],
)
def test_a_record_that_cannot_be_cut_into_elements_is_refused_whole(value: bytes, sentence: str) -> None:
    assert only_rejection(value) == Rejection((), value, "InvalidJson", sentence)


def test_a_null_value_is_refused() -> None:
    reason = "The value must be an execution. Got null instead."
    assert only_rejection(None) == Rejection((), None, "NullValue", reason)


@pytest.mark.parametrize("value", [b"[]", b" [ \n] "])
def test_an_empty_array_is_nothing_and_no_error(value: bytes) -> None:
    assert decode(value) == DecodedRecord([], [])


def test_sizes_are_bounded() -> None:
    large = with_field(f'"attributes":{{"a":"{"x" * 1_000}"}}')
    limits = Limits(max_event_bytes=1_000, max_record_bytes=3_000)
    reason = f"The execution must be at most 1000 bytes long. Got {len(large)} bytes instead."
    assert only_rejection(large, limits) == Rejection((), large, "OversizedEvent", reason)

    decoded = decode(b"[" + GOOD + b"," + large + b"]", limits)
    assert len(decoded.executions) == 1
    assert decoded.rejected[0].value_bytes == b"[" + large + b"]"

    many = b"[" + b",".join([GOOD] * 40) + b"]"
    reason = f"The record must be at most 3000 bytes long. Got {len(many)} bytes instead."
    assert only_rejection(many, limits) == Rejection((), many, "OversizedRecord", reason)
    assert len(decode(many).executions) == 40
    assert len(decode(many, Limits(max_event_bytes=1_000)).executions) == 40


def test_segments_are_bounded() -> None:
    segment = '{"name":"a","duration_ms":1}'
    value = with_field(f'"segments":[{segment},{segment},{segment}]')
    assert len(decode(value, Limits(max_segments=3)).executions) == 1
    rejection = only_rejection(value, Limits(max_segments=2))
    assert rejection.error == "TooManySegments"
    assert rejection.reason == "The field 'segments' must hold at most 2. Got 3 instead."


def test_elements_of_another_application_than_the_first_valid_one_are_refused() -> None:
    bad, other = with_field('"duration_ms":-1'), with_field('"application":"bank"')
    decoded = decode(b"[" + b",".join([bad, GOOD, other, GOOD, other]) + b"]")
    assert [execution.application for execution in decoded.executions] == ["shop", "shop"]
    assert [rejection.error for rejection in decoded.rejected] == ["InvalidField", "MixedApplications"]
    assert decoded.rejected[1].indexes == (2, 4)
    assert decoded.rejected[1].value_bytes == b"[" + other + b"," + other + b"]"
    assert decoded.rejected[1].reason == (
        "Elements 2, 4: the field 'application' must be the same in all elements, "
        '"shop" as in the first valid one. Got "bank" instead.'
    )


def test_environments_may_be_mixed() -> None:
    decoded = decode(b"[" + GOOD + b"," + with_field('"environment":"test"') + b"]")
    assert [execution.environment for execution in decoded.executions] == ["", "test"]


def test_many_bad_elements_make_short_sentences() -> None:
    decoded = decode(b"[" + b",".join([b'{"application":5}'] * 1_000) + b"]")
    unread, explained = decoded.rejected
    assert explained.indexes + unread.indexes == tuple(range(1_000))
    assert max(len(rejection.reason) for rejection in decoded.rejected) < 200
    assert "Elements 0, 1, 2, 3, 4, 5, 6, 7: the field 'application' must be" in explained.reason
    assert " and 972 more: an execution has an application" in unread.reason


def test_good_elements_among_any_number_of_bad_ones_are_read() -> None:
    bad = [b"{}"] * 20_000
    decoded = decode(b"[" + b",".join([*bad, GOOD, *bad, GOOD]) + b"]")
    assert len(decoded.executions) == 2
    assert sum(len(rejection.indexes) for rejection in decoded.rejected) == 40_000


def test_an_array_of_thousands_without_any_application_is_one_dead_letter() -> None:
    value = b"[" + b",".join([b"{}"] * 20_000) + b"]"
    rejection = only_rejection(value)
    assert (rejection.indexes, rejection.value_bytes, rejection.error) == ((), value, "MissingField")
    assert rejection.reason == "No element of the array has the field 'application'."
    escaped = GOOD.replace(b'"application"', rb'"\u0061pplication"')
    assert len(decode(value[:-1] + b"," + escaped + b"]").executions) == 1


@pytest.mark.parametrize("started_at", ["1767225600", "1767225600.0", '"2026-01-01T01:00:00+01:00"'])
def test_the_start_is_normalised_to_float_seconds(started_at: str) -> None:
    (execution,) = decode(with_field(f'"started_at":{started_at}')).executions
    assert type(execution.started_at) is float
    assert execution.started_s == NOW_S


def test_a_start_just_within_the_future_allowed_is_kept() -> None:
    assert len(decode(with_field('"started_at":1767225900')).executions) == 1


@given(data=st.data())
def test_what_is_encoded_decodes_to_the_same(data: st.DataObject, executions_of: ExecutionsOf) -> None:
    values = data.draw(st.lists(executions_of("shop"), min_size=1, max_size=4))
    decoded = decode(json.dumps(values, ensure_ascii=data.draw(st.booleans())).encode())
    assert decoded.rejected == []
    assert len(decoded.executions) == len(values)
    again = decode(b"[" + b",".join(map(encode, decoded.executions)) + b"]")
    assert again == decoded


@given(value=st.binary(max_size=200))
def test_arbitrary_bytes_never_raise(value: bytes) -> None:
    decoded = decode(value)
    for rejection in decoded.rejected:
        assert rejection.indexes or rejection.value_bytes == value


JSON_LIKE = st.text('[]{}",:\\ naNtrue-1e9\n\x00\xff', max_size=60).map(lambda text: text.encode("latin-1"))


@given(start=st.integers(0, len(GOOD)), length=st.integers(0, 20), insert=JSON_LIKE, array=st.booleans())
@example(start=1, length=0, insert=b"}", array=False)  # a missing field is met before the end that is too much
@example(start=0, length=0, insert=b":, 1", array=True)  # two refused elements with a space between them
def test_damaged_executions_never_raise_and_lose_nothing(start: int, length: int, insert: bytes, array: bool) -> None:
    value = GOOD[:start] + insert + GOOD[start + length :]
    if array:
        value = b"[" + GOOD + b"," + value + b"]"
    decoded = decode(value)
    assert decoded.executions or decoded.rejected
    for rejection in decoded.rejected:
        assert rejection.value_bytes is not None
        # (elements that were refused together are told without what space lay between them)
        assert b"".join(rejection.value_bytes.strip(b"[]").split()) in b"".join(value.split())
        assert rejection.reason.isascii()
        assert "\n" not in rejection.reason


@given(data=st.data(), bad=st.lists(st.sampled_from(SMALL), min_size=1, max_size=5))
def test_refused_bytes_are_the_original_elements(
    data: st.DataObject, bad: list[str], executions_of: ExecutionsOf
) -> None:
    good = [json.dumps(value).encode() for value in data.draw(st.lists(executions_of("shop"), max_size=4))]
    refused = [BAD_ELEMENTS[name][0] for name in bad]
    order = data.draw(st.permutations([*good, *refused]))
    separator = data.draw(st.sampled_from([b",", b" , ", b"\n,\t"]))
    decoded = decode(b"[" + separator.join(order) + b"]")
    assert len(decoded.executions) == len(good)
    for rejection in decoded.rejected:
        elements = [order[index] for index in rejection.indexes]
        assert rejection.value_bytes == b"[" + b",".join(elements) + b"]"
    assert sorted(index for rejection in decoded.rejected for index in rejection.indexes) == sorted(
        index for index, element in enumerate(order) if element in refused
    )


@given(st.lists(st.none() | st.integers(0, 4), max_size=5))
def test_parents_come_before_their_children(parents: list[int | None]) -> None:
    segments = [{"name": "a", "duration_ms": 1, "parent": parent} for parent in parents]
    decoded = decode(with_field(f'"segments":{json.dumps(segments)}'))
    sound = all(parent is None or parent < index for index, parent in enumerate(parents))
    assert (len(decoded.executions), len(decoded.rejected)) == ((1, 0) if sound else (0, 1))


@given(data=st.data())
def test_the_digest_follows_from_content_alone(data: st.DataObject, executions_of: ExecutionsOf) -> None:
    value = data.draw(executions_of("shop"))
    shuffled = dict(data.draw(st.permutations(list(value.items()))))
    shuffled["attributes"] = dict(reversed(value.get("attributes", {}).items()))
    alone = decode(json.dumps(value).encode()).executions[0]
    neighbour = decode(b"[" + GOOD + b"," + json.dumps(shuffled, indent=2).encode() + b"]").executions[1]
    assert content_digest(alone) == content_digest(neighbour)
    changed = msgspec.structs.replace(alone, duration_ms=alone.duration_ms + 1)
    assert content_digest(changed) != content_digest(alone)


def test_the_digest_does_not_depend_on_the_notation_of_the_start() -> None:
    moments: list[float | str] = [
        NOW_S + 0.123456,
        "2026-01-01T00:00:00.123456Z",
        "2026-01-01T00:00:00.123456-00:00",
    ]
    digests = {content_digest(Execution("shop", "GET /", moment, 1.0)) for moment in moments}
    assert len(digests) == 1
    assert len(digests.pop()) == 32


def test_the_digest_stays_the_same_from_release_to_release() -> None:
    (execution,) = decode(with_field('"attributes":{"b":1,"a":[true]},"unknown":1')).executions
    assert content_digest(execution) == "3d5759126953f81d5119f51e2c1bf5c1"


VALUES: dict[str, list[str]] = {
    "application": ['"shop"', '"bank"', '""', "7"],
    "started_at": ["1767225599", '"2025-12-31T00:00:00Z"', '"soon"', "-1", "1e15"],
    "duration_ms": ["5", "0.5", "-1", '"5"', "null"],
    "status": ['"ok"', '"odd"'],
    "error": ["null", '{"type":"E"}', '{"type":7}', '{"type":7,"type":"E"}'],
    "attributes": ["{}", '{"a":1,"a":[]}', "[]"],
    "segments": [
        "[]",
        '[{"name":"SELECT","duration_ms":1}]',
        '[{"name":"SELECT"}]',
        '[{"name":"SELECT","duration_ms":1,"duration_ms":-1}]',
        '[{"name":7,"name":"SELECT","duration_ms":1}]',
        '[{"parent":0,"name":"SELECT","duration_ms":1}]',
        '[{"other":1},{"other":2}]',
        "7",
        "null",
    ],
}
FIELDS = st.lists(st.sampled_from([(name, value) for name, some in VALUES.items() for value in some]), max_size=6)


@given(FIELDS)
def test_of_a_key_that_is_named_twice_the_last_value_counts_however_it_is_read(fields: list[tuple[str, str]]) -> None:
    """The values before must be valid too, but for segments, of which only the last are looked into."""
    told = {name: some[0] for name, some in VALUES.items()} | {"operation": '"GET /"'}
    value = _object([*((name, some) for name, some in told.items() if name not in dict(fields)), *fields])
    once = decode(_object(list((told | dict(fields)).items())))
    found, unread = decode(value), decode_unread([value], LIMITS, NOW_S)
    assert len(found.executions) + len(found.rejected) == 1
    if found.executions:
        assert found.executions == once.executions
        assert unread is not None
        assert [whole(one) for one in unread.executions] == found.executions
    else:
        assert found.rejected[0].value_bytes == value
        assert unread is None or not _is_whole(unread.executions[0])


def _object(fields: list[tuple[str, str]]) -> bytes:
    return ("{" + ",".join(f'"{name}":{value}' for name, value in fields) + "}").encode()


def _is_whole(execution: UnreadExecution) -> bool:
    try:
        segments = whole(execution).segments
    except (msgspec.DecodeError, ValueError):
        return False
    return all(one.parent is None or one.parent < place for place, one in enumerate(segments))

"""Executions that are refused, each with the name of its error and what is said of it."""

from tracehound.schemas.execution_rules import ATTRIBUTE_DEPTH

GOOD = b'{"application":"shop","operation":"GET /cart","started_at":1767225599,"duration_ms":1.5}'


def with_field(text: str) -> bytes:
    """The good execution with more fields; a repeated field wins over the first."""
    return GOOD[:-1] + b"," + text.encode() + b"}"


BAD_ELEMENTS: dict[str, tuple[bytes, str, str]] = {
    "malformed": (b'{"application":}', "InvalidJson", "the JSON is malformed: invalid character (byte 15)."),
    "trailing characters": (
        GOOD + b" x",
        "InvalidJson",
        "the JSON is malformed: trailing characters (byte 90).",
    ),
    "not an object": (b"5", "InvalidField", "an execution must be a JSON object. Got 5 instead."),
    "null": (b"null", "InvalidField", "an execution must be a JSON object. Got null instead."),
    "wrong type": (
        with_field('"application":7'),
        "InvalidField",
        "the field 'application' must be a string of 1 to 200 characters. Got 7 instead.",
    ),
    "empty name": (
        with_field('"application":""'),
        "InvalidField",
        "the field 'application' must be a string of 1 to 200 characters. Got \"\" instead.",
    ),
    "long name": (
        with_field(f'"application":"{"x" * 201}"'),
        "InvalidField",
        f"the field 'application' must be a string of 1 to 200 characters. Got \"{'x' * 76}... instead.",
    ),
    "long version": (
        with_field(f'"version":"{"x" * 1001}"'),
        "InvalidField",
        f"the field 'version' must be a string of at most 1000 characters. Got \"{'x' * 76}... instead.",
    ),
    "long peer": (
        with_field(f'"segments":[{{"name":"a","duration_ms":1,"peer":"{"x" * 1001}"}}]'),
        "InvalidField",
        "the field 'segments[0].peer' must be a string of at most 1000 characters or null. "
        f'Got "{"x" * 76}... instead.',
    ),
    "unknown kind": (
        with_field('"status":"\\u001b[31m"'),
        "InvalidField",
        "the field 'status' must be one of 'error', 'ok', 'unset'. Got \"\\u001b[31m\" instead.",
    ),
    "missing field": (
        b'{"application":"shop","operation":"GET /","durationMs":5,"started_at":1}',
        "MissingField",
        "the field 'duration_ms' is required. "
        'Got only the fields "application, operation, durationMs, started_at" instead.',
    ),
    "nothing at all": (b"{}", "MissingField", "the field 'application' is required. Got no fields instead."),
    "NaN": (
        with_field('"duration_ms":NaN'),
        "InvalidJson",
        "the field 'duration_ms' must be valid JSON, which has no NaN. Got NaN instead.",
    ),
    "Infinity in a field that is ignored": (
        with_field('"more":[1,-Infinity]'),
        "InvalidJson",
        "the field 'more[1]' must be valid JSON, which has no -Infinity. Got -Infinity instead.",
    ),
    "negative duration": (
        with_field('"duration_ms":-5'),
        "InvalidField",
        "the field 'duration_ms' must be a finite number >= 0. Got -5 instead.",
    ),
    "huge number": (
        with_field('"duration_ms":1e999'),
        "InvalidField",
        "the field 'duration_ms' must be a finite number >= 0. Got 1e999 instead.",
    ),
    "huge number in attributes": (
        with_field('"attributes":{"a":1e999}'),
        "InvalidField",
        "the field 'attributes.*' must be a JSON value whose numbers fit into 64 bits. Got another value instead.",
    ),
    "huge whole number": (
        with_field(f'"result":{"9" * 5000}'),
        "InvalidField",
        "the field 'result' must be a string "
        "or a whole number from -9223372036854775808 to 9223372036854775807 "
        f"or null. Got {'9' * 77}... instead.",
    ),
    "lone surrogate": (
        with_field('"host":"\\ud800"'),
        "InvalidJson",
        "the JSON is malformed: Input data was truncated.",
    ),
    "time without offset": (
        with_field('"started_at":"2026-01-01T00:00:00"'),
        "InvalidTime",
        "the field 'started_at' must be epoch seconds, or an RFC 3339 date-time with an offset from UTC. "
        'Got "2026-01-01T00:00:00" instead.',
    ),
    "no time": (
        with_field('"started_at":"yesterday"'),
        "InvalidTime",
        "the field 'started_at' must be epoch seconds, or an RFC 3339 date-time with an offset from UTC. "
        'Got "yesterday" instead.',
    ),
    "time before 1970": (
        with_field('"started_at":"1969-12-31T23:59:59Z"'),
        "InvalidTime",
        "the field 'started_at' must be epoch seconds, or an RFC 3339 date-time with an offset from UTC. "
        'Got "1969-12-31T23:59:59Z" instead.',
    ),
    "milliseconds": (
        with_field('"started_at":1767225600000'),
        "InvalidTime",
        "the field 'started_at' must be epoch seconds, or an RFC 3339 date-time with an offset from UTC. "
        "Got 1767225600000 instead, which looks like milliseconds.",
    ),
    "nanoseconds": (
        with_field('"started_at":1767225600000000000'),
        "InvalidTime",
        "the field 'started_at' must be epoch seconds, or an RFC 3339 date-time with an offset from UTC. "
        "Got 1767225600000000000 instead, which looks like nanoseconds.",
    ),
    "future": (
        with_field('"started_at":"2026-01-01T00:05:01Z"'),
        "FutureTime",
        "the field 'started_at' must be at most 300 s after the record's timestamp, "
        "2026-01-01T00:00:00.000Z. "
        'Got "2026-01-01T00:05:01Z" instead, which is 2026-01-01T00:05:01.000Z.',
    ),
    "segment without duration": (
        with_field('"segments":[{"name":"a","duration_ms":1},{"name":"b"}]'),
        "MissingField",
        "the field 'segments[1].duration_ms' is required. Got only the fields \"name\" instead.",
    ),
    "negative segment": (
        with_field('"segments":[{"name":"a","duration_ms":-1}]'),
        "InvalidField",
        "the field 'segments[0].duration_ms' must be a finite number >= 0. Got -1 instead.",
    ),
    "parent after child": (
        with_field('"segments":[{"name":"a","duration_ms":1},{"name":"b","duration_ms":1,"parent":1}]'),
        "InvalidParent",
        "the field 'segments[1].parent' must be less than 1, since parents come before their children. Got 1 instead.",
    ),
    "parent of the first": (
        with_field('"segments":[{"name":"a","duration_ms":1,"parent":0}]'),
        "InvalidParent",
        "the field 'segments[0].parent' must be absent. Got 0 instead.",
    ),
    "deep attributes": (
        with_field(f'"attributes":{{"a":{"[" * (ATTRIBUTE_DEPTH + 1)}{"]" * (ATTRIBUTE_DEPTH + 1)}}}'),
        "InvalidField",
        f"the field 'attributes' must be nested at most {ATTRIBUTE_DEPTH} levels. Got more instead.",
    ),
    "recursion bomb": (
        with_field(f'"more":{"[" * 100_000}{"]" * 100_000}'),
        "InvalidJson",
        "the JSON is nested too deeply.",
    ),
    "recursion bomb of objects": (
        with_field('"attributes":' + '{"a":' * 100_000 + "1" + "}" * 100_000),
        "InvalidJson",
        "the JSON is nested too deeply.",
    ),
    "invalid UTF-8": (
        with_field('"host":"?"').replace(b"?", b"\xff"),
        "InvalidUtf8",
        "the bytes are not valid UTF-8: invalid start byte.",
    ),
    "invalid UTF-8 in a field that is ignored": (
        with_field('"more":"?"').replace(b"?", b"\xc3"),
        "InvalidUtf8",
        "the bytes are not valid UTF-8: invalid continuation byte.",
    ),
}

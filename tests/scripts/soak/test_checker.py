"""The checker says nothing of an uninterrupted run, and everything of an interrupted one that went wrong."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.packed.snapshot import pack, unpack
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.codec import encode
from tracehound.schemas.control import CONTROL_HEADER
from tracehound.schemas.execution import ApplicationKey, Execution
from tracehound.schemas.model_state import Head, ModelState
from tracehound.scripts.soak.checker import Logged, Replay, Verdict, first_difference
from tracehound.streams.kafka.forwarding import Partitioner, origin_headers

TOPIC = "executions"
PARTITIONS = 4
partition_of = Partitioner(PARTITIONS).partition_of


def execution(number: int, application: str = "shop") -> Execution:
    slow = number % 150 == 149
    duration_ms = 30_000.0 if slow else random.Random(number).uniform(80.0, 120.0)
    return Execution(application, "GET /cart/17", 1_000_000.0 + 10.0 * number, duration_ms, trace_id=f"t{number}")


def records(executions: Sequence[Execution]) -> list[Logged]:
    """A record for each, in its application's partition."""
    ends = dict.fromkeys(range(PARTITIONS), 0)
    made = []
    for one in executions:
        partition = partition_of(one.application)
        made.append(Logged(partition, ends[partition], 10**12, encode(one)))
        ends[partition] += 1
    return made


def replay(logged: Sequence[Logged], **given: Any) -> Replay:
    made = Replay(TOPIC, PARTITIONS, **given)
    for record in logged:
        made.take(record)
    return made


class Left:
    """What a worker left that learned ``learned`` in this order."""

    def __init__(self, learned: Sequence[Execution], position: int) -> None:
        scorer = Scorer(DetectionSettings(), InlineFitter())
        named = [msgspec.structs.replace(one, operation="GET /cart/{id}") for one in learned]
        self.anomalies = [encode(event) for _, event in scorer.score(named).anomalies]
        self.states = {
            key: ModelState(*key, Head(position), scorer.snapshot(key)) for key in {key_of(one) for one in learned}
        }

    def judged_by(self, made: Replay) -> Verdict:
        return made.compare(self.states, self.anomalies)


def key_of(one: Execution) -> ApplicationKey:
    return one.application, one.environment


def altered(anomaly: bytes, identifier: str | None = None, **changes: Any) -> bytes:
    event = msgspec.json.decode(anomaly, type=AnomalyEvent)
    data = msgspec.structs.replace(event.data, **changes)
    return encode(msgspec.structs.replace(event, id=identifier or event.id, data=data))


SENT = [execution(number) for number in range(400)]


def test_nothing_is_said_of_an_uninterrupted_run() -> None:
    verdict = Left(SENT, 400).judged_by(replay(records(SENT)))
    assert verdict.sound
    assert verdict.examples == ()
    assert (verdict.executions, verdict.applications) == (400, 1)
    assert verdict.anomalies == 1


def test_what_was_never_learned_is_lost() -> None:
    verdict = Left(SENT[:390], 400).judged_by(replay(records(SENT)))
    assert (verdict.lost, verdict.learned_twice) == (10, 0)
    assert not verdict.sound
    assert "390 executions of 400" in verdict.examples[0]


def test_what_was_learned_twice_is_counted() -> None:
    verdict = Left([*SENT[:200], *SENT[190:]], 400).judged_by(replay(records(SENT)))
    assert (verdict.lost, verdict.learned_twice) == (0, 10)


def test_one_lost_and_another_learned_twice_shows_in_the_models() -> None:
    verdict = Left([*SENT[:200], SENT[199], *SENT[201:]], 400).judged_by(replay(records(SENT)))
    assert (verdict.lost, verdict.learned_twice, verdict.states_differing) == (0, 0, 1)


def test_another_order_shows_in_the_models() -> None:
    verdict = Left([*SENT[:200], SENT[201], SENT[200], *SENT[202:]], 400).judged_by(replay(records(SENT)))
    assert verdict.states_differing == 1


@pytest.mark.parametrize("position", [0, 399, 401])
def test_a_state_must_be_at_a_position_that_fits(position: int) -> None:
    verdict = Left(SENT, position).judged_by(replay(records(SENT)))
    assert verdict.states_differing == 1
    assert f"Got {position} instead" in verdict.examples[0]


def test_a_missing_state_means_that_all_is_lost() -> None:
    left = Left(SENT, 400)
    left.states.clear()
    assert left.judged_by(replay(records(SENT))).lost == 400


def test_a_state_that_cannot_be_read_means_that_all_is_lost() -> None:
    left = Left(SENT, 400)
    left.states["shop", ""].snapshot = b"nonsense"
    assert left.judged_by(replay(records(SENT))).lost == 400


def test_a_state_of_an_application_that_sent_nothing_is_wrong() -> None:
    left = Left(SENT, 400)
    left.states["ghost", ""] = ModelState("ghost", "", Head(1), b"")
    assert left.judged_by(replay(records(SENT))).states_differing == 1


def test_when_silence_was_told_does_not_matter_and_silence_is_no_unknown_anomaly() -> None:
    left = Left(SENT, 400)
    state = left.states["shop", ""]
    content = unpack(state.snapshot)
    content["numbers"]["silent_since_s"] = 7.0
    state.snapshot = pack(content)
    left.anomalies.append(altered(left.anomalies[0], "another", kind="traffic", signal="silence_ms"))
    assert left.judged_by(replay(records(SENT))).sound


def _drop(anomalies: list[bytes]) -> None:
    del anomalies[0]


def _repeat(anomalies: list[bytes]) -> None:
    anomalies.append(anomalies[0])


def _rename(anomalies: list[bytes]) -> None:
    anomalies.append(altered(anomalies[0], "another"))


def _change(anomalies: list[bytes]) -> None:
    anomalies.append(altered(anomalies[0], actual=1.0))


@pytest.mark.parametrize(
    ("harm", "missing", "differing", "repeated"),
    [(_drop, 1, 0, 0), (_repeat, 0, 0, 1), (_rename, 0, 1, 0), (_change, 0, 1, 0)],
)
def test_anomalies_may_come_again_and_nothing_else(
    harm: Callable[[list[bytes]], None], missing: int, differing: int, repeated: int
) -> None:
    left = Left(SENT, 400)
    harm(left.anomalies)
    verdict = left.judged_by(replay(records(SENT)))
    assert (verdict.anomalies_missing, verdict.ids_differing, verdict.anomalies_repeated) == (
        missing,
        differing,
        repeated,
    )
    assert verdict.sound is (missing == differing == 0)


def test_a_forwarded_record_counts_once_and_not_where_it_was_forwarded_from() -> None:
    right = partition_of("shop")
    wrong = (right + 1) % PARTITIONS
    stray = [Logged(wrong, number, 10**12, encode(one)) for number, one in enumerate(SENT)]
    forwarded = [
        Logged(right, number, 10**12, one.value, origin_headers([], TOPIC, wrong, one.offset))
        for number, one in enumerate([*stray[:300], *stray[250:]])
    ]
    made = replay([*stray, *forwarded])
    assert made.executions == 400
    assert Left(SENT, 450).judged_by(made).sound


def test_what_cannot_be_decoded_is_passed_over_and_has_to_be_buried() -> None:
    right = partition_of("shop")
    refused = [
        Logged(right, 400, 10**12, b"{nonsense"),
        Logged(right, 401, 10**12, None),
        Logged(right, 402, 10**12, encode(SENT[0]), [(CONTROL_HEADER, b"reset")]),
        Logged(right, 403, 10**12, b"[{}," + encode(SENT[0])[:-1] + b"]"),
    ]
    made = replay([*records(SENT), *refused])
    left = Left(SENT, 404)
    assert left.judged_by(made).sound
    verdicts = [
        made.compare(left.states, left.anomalies, {(right, at) for at in range(400, end)}) for end in (404, 402)
    ]
    assert [(verdict.refused, verdict.not_buried, verdict.sound) for verdict in verdicts] == [
        (4, 0, True),
        (4, 2, False),
    ]


def test_what_is_around_an_execution_is_taken_off() -> None:
    wrapped = [replace(one, value=b'{"schema":{},"payload":%b}' % (one.value or b"")) for one in records(SENT)]
    assert Left(SENT, 400).judged_by(replay(wrapped)).sound


def test_an_origin_that_workers_did_not_believe_hides_nothing() -> None:
    lie = origin_headers([], TOPIC, 1, 2**40)
    lied = [Logged(one.partition, one.offset, one.timestamp_ms, one.value, lie) for one in records(SENT)]
    assert replay(lied).executions == 1
    assert replay(lied, believes=lambda origin: origin.offset < 400).executions == 400


def test_nothing_is_said_of_applications_that_are_not_judged() -> None:
    others = [execution(number, "cart") for number in range(400)]
    left = Left([*SENT, *others], 400)
    made = replay(records([*SENT, *others]), judged={key_of(SENT[0])})
    assert made.executions == 400
    assert left.judged_by(made).sound
    assert not left.judged_by(replay(records(SENT))).sound


@pytest.mark.parametrize(
    ("one", "other", "where"),
    [
        ({"a": 1}, {"a": 1}, ""),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, ": keys or their order"),
        ({"a": [1]}, {"a": [1, 2]}, "/a: lengths 1 and 2"),
        ({"a": np.zeros(2)}, {"a": np.zeros(3)}, "/a: float64 (2,) and float64 (3,)"),
        ({"a": np.zeros(2)}, {"a": np.ones(2)}, "/a: numbers of an array"),
        ({"a": float("nan")}, {"a": float("nan")}, ""),
        ({"a": 0.0}, {"a": -0.0}, "/a: 0.0 and -0.0"),
        ({"a": b"x"}, {"a": b"y"}, "/a: b'x' and b'y'"),
    ],
)
def test_the_first_difference_is_named(one: object, other: object, where: str) -> None:
    assert first_difference(one, other) == where

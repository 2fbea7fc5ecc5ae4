"""The event says what the deviating executions have in common, and the sentence where that is clear."""

from collections.abc import Callable

import msgspec
import pytest

from tests.detectors.scoring.shop import scorer, workload
from tracehound.detectors.packed.snapshot import unpack
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import Anomaly, Concentration
from tracehound.schemas.execution import Execution, ExecutionFailure

BAD = "shop-7d9f"
Change = Callable[[Execution], Execution]


def on_hosts(executions: list[Execution], hosts: int = 9) -> list[Execution]:
    """So many hosts take turns; one of them is BAD."""
    names = [BAD, *(f"shop-{i}" for i in range(1, hosts))]
    return [
        msgspec.structs.replace(one, host=names[i % hosts], attributes={"tier": "ab"[i // 7 % 2], "user": f"u{i % 5}"})
        for i, one in enumerate(executions)
    ]


def failing(one: Execution) -> Execution:
    return msgspec.structs.replace(one, status="error", error=ExecutionFailure("Timeout", "no"))


def slow(one: Execution) -> Execution:
    return msgspec.structs.replace(one, duration_ms=one.duration_ms + 900.0)


def told(change: Change, hosts: int) -> list[Anomaly]:
    """Anomalies while executions of one host are changed."""
    ready = scorer()
    ready.score(on_hosts(workload("shop", 3_000), hosts))
    faulty = [change(one) if one.host == BAD else one for one in on_hosts(workload("shop", 900, 2, 3_000.0), hosts)]
    return [event.data for _, event in ready.score(faulty).anomalies]


def common(anomaly: Anomaly) -> list[Concentration]:
    return [] if anomaly.concentrated_in is msgspec.UNSET else anomaly.concentrated_in


@pytest.mark.parametrize(
    ("change", "kind", "hosts"), [(failing, "errors", 9), (slow, "latency", 3), (slow, "saturation", 3)]
)
def test_a_fault_on_one_host_is_told_as_that(change: Change, kind: str, hosts: int) -> None:
    found = [one for one in told(change, hosts) if one.kind == kind]
    named = [one for one in found if common(one)]
    assert named
    [said] = common(named[-1])
    assert (said.attribute, said.value) == ("host", BAD)
    assert said.share >= 0.75 > 0.4 > said.usual_share
    assert f"ran on host '{BAD}', usually " in named[-1].reason


def test_a_fault_on_all_hosts_is_not_put_down_to_one() -> None:
    ready = scorer()
    ready.score(on_hosts(workload("shop", 3_000)))
    events = ready.score([slow(one) for one in on_hosts(workload("shop", 300, 2, 3_000.0))]).anomalies
    assert events
    assert [common(event.data) for _, event in events if common(event.data)] == []


def test_it_follows_from_the_order_alone_and_outlives_a_restart() -> None:
    executions = on_hosts(workload("shop", 2_000))
    faulty = [slow(one) if one.host == BAD else one for one in on_hosts(workload("shop", 400, 2, 2_000.0))]
    whole, parts = scorer(), scorer()
    whole.score(executions)
    for first in range(0, len(executions), 64):
        parts.score(executions[first : first + 64])
    assert whole.snapshot(("shop", "")) == parts.snapshot(("shop", ""))
    restored = scorer()
    restored.restore(parts.snapshot(("shop", "")))
    assert restored.score(faulty).anomalies == whole.score(faulty).anomalies
    assert restored.snapshot(("shop", "")) == whole.snapshot(("shop", ""))


def test_private_attributes_are_neither_told_nor_remembered() -> None:
    ready = scorer()
    ready.score(on_hosts(workload("shop", 500)))
    assert b"tier" in _plain(ready.snapshot(("shop", "")))
    assert b"user" not in _plain(ready.snapshot(("shop", "")))
    closed = scorer(DetectionSettings(private_attributes=("*",)))
    closed.score(on_hosts(workload("shop", 500)))
    assert b"tier" not in _plain(closed.snapshot(("shop", "")))


def _plain(snapshot: bytes) -> bytes:
    return repr(unpack(snapshot)).encode()

"""The newest executions are kept within a bound of bytes, and no application takes the place of all others."""

import msgspec

from tracehound.console.executions.recent import Recent
from tracehound.schemas.execution import ExecutionHead, UnreadExecution


def execution(application: str, number: int, segment_bytes: int = 100) -> ExecutionHead:
    segments = msgspec.Raw(b"[" + b" " * segment_bytes + b"]")
    return UnreadExecution(application, "GET /", float(number), 5.0, segments=segments)


def starts(recent: Recent, application: str) -> list[float]:
    return [one.started_s for one in recent.of((application, ""))]


def test_the_newest_come_first() -> None:
    recent = Recent(1_000_000)
    for number in range(5):
        recent.add(execution("shop", number))
    assert starts(recent, "shop") == [4.0, 3.0, 2.0, 1.0, 0.0]
    assert starts(recent, "other") == []


def test_the_loudest_application_gives_up_its_oldest() -> None:
    recent = Recent(1_000_000)
    for number in range(20):
        recent.add(execution("quiet", number))
    for number in range(20_000):
        recent.add(execution("loud", number))
        assert recent.size <= 1_000_000
    assert len(starts(recent, "quiet")) == 20
    loud = starts(recent, "loud")
    assert loud == [float(number) for number in range(19_999, 19_999 - len(loud), -1)]
    assert len(loud) > 700


def test_many_applications_share_what_there_is() -> None:
    recent = Recent(1_000_000)
    for number in range(50):
        for application in range(100):
            recent.add(execution(f"shop-{application}", number))
    counts = {len(starts(recent, f"shop-{application}")) for application in range(100)}
    assert max(counts) - min(counts) <= 2
    assert recent.size <= 1_000_000


def test_an_execution_that_is_too_large_pushes_nobody_out() -> None:
    recent = Recent(100_000)
    recent.add(execution("shop", 1))
    recent.add(execution("shop", 2, segment_bytes=90_000))
    assert starts(recent, "shop") == [1.0]

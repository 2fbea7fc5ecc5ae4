"""The newest executions are kept within a bound of bytes, and no application takes the place of all others."""

from tracehound.console.executions.recent import Recent, RecentExecution, recent_of
from tracehound.schemas.codec import decode_unread
from tracehound.schemas.execution import Execution
from tracehound.schemas.execution_rules import Limits

LIMITS = Limits()


def add(recent: Recent, application: str, number: int, more_bytes: int = 100) -> None:
    recent.add((application, ""), execution(number, b" " * more_bytes))


def execution(number: int, more: bytes = b"") -> RecentExecution:
    return recent_of(Execution("shop", "GET /", float(number), 5.0), b"{}" + more)


def starts(recent: Recent, application: str) -> list[float]:
    return [one.started_s for one in recent.of((application, ""))]


def test_the_newest_come_first() -> None:
    recent = Recent(1_000_000)
    for number in range(5):
        add(recent, "shop", number)
    assert starts(recent, "shop") == [4.0, 3.0, 2.0, 1.0, 0.0]
    assert starts(recent, "other") == []


def test_the_loudest_application_gives_up_its_oldest() -> None:
    recent = Recent(1_000_000)
    for number in range(20):
        add(recent, "quiet", number)
    for number in range(20_000):
        add(recent, "loud", number)
        assert recent.size <= 1_000_000
    assert len(starts(recent, "quiet")) == 20
    loud = starts(recent, "loud")
    assert loud == [float(number) for number in range(19_999, 19_999 - len(loud), -1)]
    assert len(loud) > 700


def test_many_applications_share_what_there_is() -> None:
    recent = Recent(1_000_000)
    for number in range(50):
        for application in range(100):
            add(recent, f"shop-{application}", number)
    counts = {len(starts(recent, f"shop-{application}")) for application in range(100)}
    assert max(counts) - min(counts) <= 2
    assert recent.size <= 1_000_000


def test_an_execution_that_is_too_large_pushes_nobody_out() -> None:
    recent = Recent(100_000)
    add(recent, "shop", 1)
    add(recent, "shop", 2, more_bytes=90_000)
    assert starts(recent, "shop") == [1.0]


ONE = b'{"application":"shop","operation":"GET /%d","started_at":9,"duration_ms":%d,"segments":%s}'
SEGMENTS = (b'[{"name":"a","duration_ms":1}]', b'[{"name":5}]', b'[{"name":"a","duration_ms":1,"parent":7}]', b"[]")


def test_an_execution_of_an_array_is_found_again_beside_those_whose_segments_are_no_good() -> None:
    array = b"[" + b",".join(ONE % (index, index, segments) for index, segments in enumerate(SEGMENTS)) + b"]"
    unread = decode_unread([array], LIMITS, 10.0)
    assert unread is not None
    kept = [recent_of(one, array, index, 4) for index, one in enumerate(unread.executions)]
    whole = [one.whole() for one in kept]
    assert [None if one is None else one.duration_ms for one in whole] == [0.0, None, None, 3.0]
    assert [one.has_segments for one in kept] == [True, True, True, False]
    assert sum(one.size for one in kept) < len(array) + 4 * 600


def test_attributes_count_as_the_bytes_that_they_are() -> None:
    recent, large = Recent(10_000_000), b'{"a":"' + b"x" * 900_000 + b'"}'
    for number in range(100):
        recent.add(("shop", ""), execution(number, large))
    assert len(starts(recent, "shop")) <= 11

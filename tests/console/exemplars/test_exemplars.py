"""An anomaly's execution is kept while it is at hand, with a usual one beside it, and told as a waterfall."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, func, select

from tests.console.asking import Asking, asking
from tests.console.executions.kept import NOW_S
from tests.console.exemplars.anomalies import anomaly, told
from tracehound.console.executions.recent import Recent, RecentExecution, recent_of
from tracehound.console.exemplars.keeping import ExemplarKeeper
from tracehound.console.store.engine import Store
from tracehound.console.store.tables import anomalies, exemplars
from tracehound.detectors.settings import PRIVATE
from tracehound.schemas.execution import Execution, ExecutionFailure, Segment, UnreadExecution

MB = 1_000_000


def execution(number: int, duration_ms: float = 20.0, **given: Any) -> RecentExecution:
    """One as it is read, a second after each other; half of it is a call."""
    call = Segment("GET /stock", duration_ms / 2, "http", offset_ms=1.0, peer="stock", remote_ms=2.0)
    segments = msgspec.Raw(given.pop("segments", None) or msgspec.json.encode([call, Segment("SELECT", 0.5, parent=0)]))
    about = {"trace_id": f"t{number}", "operation": "GET /cart"} | given
    one = UnreadExecution("shop", started_at=NOW_S + number, duration_ms=duration_ms, segments=segments, **about)
    return recent_of(one, msgspec.json.encode(one))


def recent(*executions: RecentExecution) -> Recent:
    made = Recent(64 * MB)
    for one in executions:
        made.add(("shop", ""), one)
    return made


def keeper(store: Store, most_bytes: int = MB) -> ExemplarKeeper:
    return ExemplarKeeper(store, frozenset(PRIVATE), most_bytes)


USUAL = [execution(number, 20.0 + number % 5) for number in range(50)]
SLOW = execution(50, 900.0)


@pytest.fixture
def console(store: Store) -> Iterator[Asking]:
    with asking(store) as asked:
        yield asked


def test_an_anomalous_execution_is_told_beside_a_usual_one(store: Store, console: Asking) -> None:
    failed = execution(51, 22.0, status="error")
    other = execution(52, 22.0, operation="GET /")
    told(store, "a1", anomaly("t50"), NOW_S + 50)
    keeper(store).look(recent(*USUAL, SLOW, failed, other))

    found = console.get("/exemplars/a1")
    shown, usual = found["execution"], found["usual"]
    assert (shown["trace_id"], shown["duration_ms"], shown["call_gap_ms"]) == ("t50", 900.0, 448.0)
    assert (usual["duration_ms"], usual["status"]) == (22.0, "unset")
    call, query = shown["bars"]
    assert (call["duration_ms"], call["call_gap_ms"], call["usual_ms"], call["usual_count"]) == (450.0, 448.0, 11.0, 1)
    assert (query["parent"], query["depth"], query["usual_ms"]) == (0, 2, 0.5)

    [item] = console.get("/exemplars", application="shop", trace_id="t50")["items"]
    assert (item["anomaly_id"], item["operation"], item["has_usual"]) == ("a1", "GET /cart", True)
    assert console.get("/exemplars", application="other")["items"] == []
    assert console.ask("GET", "/exemplars/a2", "viewer").status_code == 404


def test_anomalies_and_executions_may_come_in_any_order(store: Store) -> None:
    one, newest = keeper(store), recent(*USUAL)
    told(store, "a1", anomaly("t50"), NOW_S + 50)
    one.look(newest)
    assert kept(store) == {}
    newest.add(("shop", ""), SLOW)
    one.look(newest)
    assert kept(store) == {"a1": "t50"}


def test_after_a_restart_what_was_told_meanwhile_is_kept_and_nothing_twice(store: Store) -> None:
    told(store, "a1", anomaly("t50"), NOW_S + 50)
    keeper(store).look(recent(*USUAL, SLOW))
    told(store, "a2", anomaly("t49"), NOW_S + 49)
    keeper(store).look(recent(*USUAL, SLOW))
    keeper(store).look(recent())
    assert kept(store) == {"a1": "t50", "a2": "t49"}


def test_of_several_executions_of_a_trace_the_one_of_the_anomalys_time_is_kept(store: Store) -> None:
    twice = [execution(number, 900.0 + number, trace_id="t") for number in range(60, 63)]
    told(store, "a1", anomaly("t"), NOW_S + 61)
    keeper(store).look(recent(*twice))
    with store.read() as connection:
        shown = msgspec.json.decode(connection.execute(select(exemplars.c.execution)).scalar_one(), type=Execution)
    assert shown.duration_ms == 961.0


def test_a_usual_one_is_none_that_an_anomaly_names_and_may_be_missing(store: Store, console: Asking) -> None:
    told(store, "a1", anomaly("t50"), NOW_S + 50)
    told(store, "a2", anomaly("t51"), NOW_S + 51)
    keeper(store).look(recent(SLOW, execution(51, 800.0)))
    assert console.get("/exemplars/a1")["usual"] is None
    assert console.get("/exemplars/a1")["execution"]["bars"][0]["usual_ms"] is None


def test_what_may_tell_a_persons_identity_is_not_kept(store: Store, console: Asking) -> None:
    attributes = {"user_id": 7, "tier": "gold", "items": 2.5, "contact": "ada@example.org", "note": {"a": 1}}
    error = ExecutionFailure("E", "password=hunter22 was wrong")
    told(store, "a1", anomaly("t50"), NOW_S + 50)
    keeper(store).look(recent(execution(50, 900.0, attributes=attributes, error=error)))
    shown = console.get("/exemplars/a1")["execution"]
    assert shown["attributes"] == {"tier": "gold", "items": 2.5}
    assert "hunter22" not in shown["error"]["message"]


@pytest.mark.parametrize(
    "segments", [b'[{"name":5}]', b'[{"name":"a","duration_ms":1,"parent":7}]', b'[{"name":"a","duration_ms":-1}]']
)
def test_segments_that_are_no_good_are_not_kept(store: Store, segments: bytes) -> None:
    told(store, "a1", anomaly("t50"), NOW_S + 50)
    keeper(store).look(recent(execution(50, 900.0, segments=segments)))
    assert kept(store) == {}


@pytest.mark.parametrize("at_once", [40, 4])
def test_the_oldest_go_where_there_are_too_many_bytes(store: Store, at_once: int) -> None:
    slow, one = recent(*(execution(number, 900.0) for number in range(40))), keeper(store, most_bytes=4_000)
    for first in range(0, 40, at_once):
        for number in range(first, first + at_once):
            told(store, f"a{number}", anomaly(f"t{number}"), NOW_S + number)
        one.look(slow)
        with store.read() as connection:
            assert connection.execute(select(func.sum(exemplars.c.bytes))).scalar_one() <= 4_000
    assert len(kept(store)) > 3
    assert set(kept(store)) == {f"a{number}" for number in range(40 - len(kept(store)), 40)}


def test_an_exemplar_goes_with_its_anomaly(store: Store) -> None:
    for number in (50, 49):
        told(store, f"a{number}", anomaly(f"t{number}"), NOW_S + number)
    keeper(store).look(recent(*USUAL, SLOW))
    with store.write() as connection:
        connection.execute(delete(anomalies).where(anomalies.c.id == "a49"))
    keeper(store).look(recent())
    assert kept(store) == {"a50": "t50"}


def test_an_anomaly_that_names_no_execution_has_none(store: Store) -> None:
    told(store, "a1", anomaly("", kind="traffic"), NOW_S)
    keeper(store).look(recent(*USUAL, execution(60, trace_id="")))
    assert kept(store) == {}


def kept(store: Store) -> dict[str, str]:
    """The trace that is kept for each anomaly."""
    with store.read() as connection:
        return {row.anomaly_id: row.trace_id for row in connection.execute(select(exemplars))}

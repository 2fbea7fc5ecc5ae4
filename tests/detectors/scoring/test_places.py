"""Where an application's places are taken, what is idle gives way; what is known and comes seldom stays."""

from tracehound.detectors.application.places import PERIOD
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling.names import OTHER_OPERATIONS
from tracehound.schemas.execution import Execution, QueueWait, Segment

SETTINGS = DetectionSettings(extra_detectors=(), operations_per_application=50, peers_per_application=20)
SHOP = ("shop", "")


def ordinary(first: int, count: int) -> list[Execution]:
    """One a second of the cart, and a job once in 300."""
    return [
        Execution("shop", "nightly" if number % 300 == 0 else "GET /cart", float(number), 20.0 + number % 7)
        for number in range(first, first + count)
    ]


def scan(first: int, count: int) -> list[Execution]:
    return [
        Execution("shop", f"GET /wp-{number}/setup.php", float(number), 1.0) for number in range(first, first + count)
    ]


def operations(scorer: Scorer) -> set[str]:
    [application] = scorer._applications.values()
    return set(application.operations)


def test_a_new_route_after_a_scan_has_a_model_and_is_told_by_its_name() -> None:
    scorer = Scorer(SETTINGS, InlineFitter())
    scorer.score([*ordinary(0, 12_000), *scan(12_000, 200), *ordinary(12_200, 3 * PERIOD)])
    first = 12_200 + 3 * PERIOD
    scorer.score([Execution("shop", "POST /v2/checkout", float(first + n), 80.0 + n % 9) for n in range(500)])
    slow = [Execution("shop", "POST /v2/checkout", float(first + 500 + n), 900.0) for n in range(50)]
    found = {event.data.operation for _, event in scorer.score(slow).anomalies}
    assert "POST /v2/checkout" in found
    assert OTHER_OPERATIONS not in found
    assert {"GET /cart", "nightly"} < operations(scorer)
    assert len(operations(scorer)) <= 51
    [application] = scorer._applications.values()
    known = sum(one.seen >= SETTINGS.warm_up_executions for one in application.operations.values())
    assert scorer.statistics()["ready_operations"] == known
    again = Scorer(SETTINGS, InlineFitter())
    again.restore(scorer.snapshot(SHOP))
    assert again.statistics()["ready_operations"] == known


def test_what_is_in_use_never_gives_way() -> None:
    scorer = Scorer(SETTINGS, InlineFitter())
    names = [f"GET /{number}" for number in range(60)]
    scorer.score([Execution("shop", names[number % 60], float(number), 9.0) for number in range(6 * PERIOD)])
    assert operations(scorer) == {*names[:50], OTHER_OPERATIONS}


def test_called_services_that_are_gone_give_way() -> None:
    def calling(number: int, peer: str) -> Execution:
        call = Segment("GET /", 10.0, "http", 0.0, peer=peer, remote_ms=9.0)
        return Execution("shop", "GET /", float(number), 20.0, segments=[call])

    scorer = Scorer(SETTINGS, InlineFitter())
    scorer.score([calling(number, f"pod-{number // 20}") for number in range(5 * PERIOD)])
    [application] = scorer._applications.values()
    assert len(application.calls[0]) <= 21
    assert "pod-0" not in application.calls[0]
    assert set(application.idle[0]) == set(application.calls[0])


def test_places_are_freed_at_the_same_executions_whatever_the_batches_and_after_a_restart() -> None:
    given = [*ordinary(0, 2_500), *scan(2_500, 500), *ordinary(3_000, 3_000), *scan(6_000, 100)]
    whole, parts = Scorer(SETTINGS, InlineFitter()), Scorer(SETTINGS, InlineFitter())
    whole.score(given)
    for first in range(0, len(given), 700):
        again = Scorer(SETTINGS, InlineFitter())
        if first:
            again.restore(parts.snapshot(SHOP), SHOP)
        again.score(given[first : first + 700])
        parts = again
    assert parts.snapshot(SHOP) == whole.snapshot(SHOP)


def test_a_period_that_ends_among_executions_scored_together_counts_what_each_of_its_sides_saw() -> None:
    def calling(number: int) -> Execution:
        other = "before" if number < PERIOD else "after" if number % 2 else "both"
        calls = [Segment("GET", 10.0, "http", 0.0, peer=peer) for peer in ("both", other)]
        wait = QueueWait(f"orders {other}", 4.0)
        return Execution("shop", "GET /", float(number), 20.0, segments=calls, queue_wait=wait)

    given = [calling(number) for number in range(PERIOD + 300)]
    given[500::7] = [Execution("till", "pay", one.started_s, 9.0) for one in given[500::7]]
    together, one_by_one = Scorer(SETTINGS, InlineFitter()), Scorer(SETTINGS, InlineFitter())
    together.score(given[:500])
    together.score(given[500:])
    for one in given:
        one_by_one.score([one])
    for key in (SHOP, ("till", "")):
        assert together.snapshot(key) == one_by_one.snapshot(key)
    application = one_by_one.models(SHOP)
    assert application is not None
    assert application.idle[1] == {"both": 0, "before": 1, "after": 0}

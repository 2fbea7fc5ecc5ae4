"""A chunk of which some executions cannot be scored: all others are learned once, by the real core."""

from collections.abc import Sequence

import pytest

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import Execution, ExecutionHead
from tracehound.streams.scoring.score_chunk import ScoringFailedError, score_at_once, score_chunk

SHOP, BANK = ("shop", ""), ("bank", "")


class FailingScorer(Scorer):
    """Learns up to the first execution of the operation ``bad`` that it is given, and raises."""

    def score(self, executions: Sequence[ExecutionHead]) -> ScoredBatch:
        for place, execution in enumerate(executions):
            if execution.operation == "bad":
                super().score(executions[:place])
                raise ZeroDivisionError("nothing to divide by")
        return super().score(executions)


class ShortOfMemory(Scorer):
    """Raises for each of the first ``times`` calls, whatever it is given."""

    times = 0

    def score(self, executions: Sequence[ExecutionHead]) -> ScoredBatch:
        if self.times:
            self.times -= 1
            raise MemoryError("no room for a moment")
        return super().score(executions)


def scorer(kind: type[Scorer] = FailingScorer) -> Scorer:
    return kind(DetectionSettings(), InlineFitter())


def executions(count: int, bad: set[int] = frozenset()) -> list[Execution]:  # type: ignore[assignment] # it is empty
    names = ("shop", "bank", "shop")
    return [
        Execution(names[n % 3], "bad" if n in bad else f"GET /{n % 2}", float(n), 10.0 + n % 7, trace_id=str(n))
        for n in range(count)
    ]


@pytest.mark.parametrize("bad", [{0}, {59}, {7, 8, 30}, set(range(0, 60, 3)), set(range(60))])
@pytest.mark.parametrize("known", [0, 100])
def test_all_but_those_that_cannot_be_scored_are_learned_once_and_in_order(bad: set[int], known: int) -> None:
    found, expected = scorer(), scorer(Scorer)
    for one in (found, expected):
        if known:
            one.score(executions(known))
    chunk = executions(60, bad)
    outcome = score_chunk(found, chunk)
    for key in (SHOP, BANK):
        good = [one for n, one in enumerate(chunk) if n not in bad and one.application == key[0]]
        if good:
            expected.score(good)
    assert sorted(index for index, _ in outcome.failures) == sorted(bad)
    assert {key: found.snapshot(key) for key in found.applications()} == {
        key: expected.snapshot(key) for key in expected.applications()
    }


@pytest.mark.parametrize(("count", "times"), [(1, 1), (3, 3)])  # 3: by halves, and the first of three by itself
def test_an_execution_is_given_up_only_where_it_fails_by_itself_twice(count: int, times: int) -> None:
    found, chunk = scorer(ShortOfMemory), [Execution("shop", "GET /", float(n), 10.0) for n in range(count)]
    assert isinstance(found, ShortOfMemory)
    found.times = times - (count > 1)
    assert score_chunk(found, chunk).failures == []
    assert found.statistics()["operations"] == 1
    found.times = times + 1 - (count > 1)
    assert [index for index, _ in score_chunk(found, chunk).failures] == [0]


def test_at_once_it_says_that_it_failed() -> None:
    with pytest.raises(ScoringFailedError, match="nothing to divide by"):
        score_at_once(scorer(), executions(5, {3}))


def test_where_nothing_fails_both_lead_to_the_same() -> None:
    one, other = scorer(), scorer()
    chunk = executions(300)
    first, second = score_at_once(one, chunk), score_chunk(other, chunk)
    assert first.anomalies == second.anomalies
    assert sorted(event.id for event in first.model_events) == sorted(event.id for event in second.model_events)
    assert {key: one.snapshot(key) for key in one.applications()} == {
        key: other.snapshot(key) for key in other.applications()
    }

"""What is published of an alarm: numbers that agree with each other, and the evidence beside them."""

import msgspec
import pytest

from tests.detectors.scoring.shop import events, scorer
from tests.detectors.test_determinism import SETTINGS, story
from tracehound.detectors.telling.waterfall import LINES
from tracehound.schemas.anomaly import Anomaly


@pytest.fixture(scope="module")
def told() -> list[Anomaly]:
    return [event.data for event in events(scorer(SETTINGS), story())]


def test_no_anomaly_names_an_execution_that_lies_within_its_bounds(told: list[Anomaly]) -> None:
    named = [one for one in told if one.exemplar_trace_ids]
    assert {one.kind for one in named} >= {"latency", "structure", "errors"}
    assert [one for one in named if one.bounds[0] <= one.actual <= one.bounds[1]] == []


def test_every_anomaly_says_what_it_rests_on(told: list[Anomaly]) -> None:
    for one in told:
        assert one.evidence is not msgspec.UNSET
        assert one.evidence.sure.startswith("By chance ")
        assert one.evidence.normal_again.startswith("Normal again ")
        assert bool(one.evidence.waterfall) == (one.window is None and bool(one.exemplar_trace_ids))
        assert len(one.evidence.waterfall) <= LINES


def test_the_waterfall_is_that_of_the_named_execution(told: list[Anomaly]) -> None:
    executions = {one.trace_id: one for one in story()}
    for one in told:
        for trace_id in one.exemplar_trace_ids:
            assert one.evidence is not msgspec.UNSET
            assert one.evidence.waterfall[0].startswith(executions[trace_id].operation)

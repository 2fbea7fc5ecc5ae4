"""The tutorial's shop leads to the anomaly and the cause that the tutorial shows."""

import json
import runpy
import sys
from types import ModuleType

import pytest

from tests.checkout import PROJECT
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.codec import decode_record
from tracehound.schemas.execution_rules import Limits


class KeepingProducer:
    """Keeps what would be sent."""

    sent: list[bytes]

    def __init__(self, settings: dict[str, str]) -> None:
        type(self).sent = []
        assert settings["partitioner"] == "murmur2_random"

    def produce(self, topic: str, value: str, key: str) -> None:
        assert (topic, key) == ("tracehound.executions.v1", json.loads(value)["application"])
        self.sent.append(value.encode())

    def flush(self) -> None:
        pass


def test_the_shop_of_the_tutorial_becomes_slow_where_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = ModuleType("confluent_kafka")
    stand_in.Producer = KeepingProducer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "confluent_kafka", stand_in)
    monkeypatch.delenv("TOPIC", raising=False)
    runpy.run_path(str(PROJECT / "examples/python/first_anomaly.py"))
    scorer, told = Scorer(DetectionSettings(), InlineFitter()), []
    for number, value in enumerate(KeepingProducer.sent):
        decoded = decode_record(value, Limits(), 4e9)
        assert decoded.rejected == []
        told += [(number, event.data) for _, event in scorer.score(decoded.executions).anomalies]
    assert len(KeepingProducer.sent) == 600
    assert min(number for number, _ in told) >= 540, "nothing is told of the good minutes"
    assert any(one.severity == "major" and "Calls to stock take" in one.reason for _, one in told)

"""States that an earlier tracehound wrote to Kafka: restored, they go on telling and learning as recorded.

``python -m tests.detectors.scoring.test_stored_states`` records anew what is told after the state: only where a change
of detection means to tell something else.
"""

from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from tests.detectors.test_determinism import SETTINGS, SHOP, executions, failed, slow
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.model_event import ModelEvent
from tracehound.schemas.model_state import ModelState, unpack_state
from tracehound.schemas.pieces import Wholes

STORED = Path(__file__).parent / "stored"
BEGUN_S, COUNT, RATE, CHUNK = 1_790_000_000.0, 1500, 8.0, 64


def stored_state() -> ModelState:
    """What version 0.1.0 had learned of 1,500 executions."""
    [whole] = Wholes().add((STORED / "shop.state").read_bytes())
    return unpack_state(whole)


def gone_on() -> dict[str, Any]:
    """What is told of 75 s more, with slow calls and failures, and the digest of what is learned by then."""
    scorer = Scorer(SETTINGS, InlineFitter())
    scorer.restore(stored_state().snapshot, SHOP)
    rest = executions("shop", 600, BEGUN_S + COUNT / RATE, 8)
    rest = [slow(one) if 200 <= i < 320 else failed(one) if 400 <= i < 440 else one for i, one in enumerate(rest)]
    told: list[AnomalyEvent | ModelEvent] = []
    for first in range(0, len(rest), CHUNK):
        scored = scorer.score(rest[first : first + CHUNK])
        told += [event for _, event in scored.anomalies]
        told += scored.model_events
    return {
        "told": [[event.id, event.type, getattr(event.data, "reason", "")] for event in told],
        "learned": sha256(scorer.snapshot(SHOP)).hexdigest(),
    }


def test_a_state_of_version_0_1_0_is_restored_whole() -> None:
    state = stored_state()
    assert (state.key, state.head.position) == (SHOP, COUNT)
    scorer = Scorer(SETTINGS, InlineFitter())
    scorer.restore(state.snapshot, SHOP)
    again = Scorer(SETTINGS, InlineFitter())
    again.restore(scorer.snapshot(SHOP), SHOP)
    assert again.snapshot(SHOP) == scorer.snapshot(SHOP)
    assert scorer.statistics()["operations"] == 3


def test_it_goes_on_as_recorded() -> None:
    found = gone_on()
    recorded = msgspec.json.decode((STORED / "told-after.json").read_bytes())
    assert found["told"] == recorded["told"]
    assert found["learned"] == recorded["learned"]


if __name__ == "__main__":
    (STORED / "told-after.json").write_bytes(msgspec.json.format(msgspec.json.encode(gone_on()), indent=1) + b"\n")

"""States that an earlier tracehound wrote to Kafka: restored, they go on telling and learning the same."""

from hashlib import sha256
from pathlib import Path

import msgspec

from tests.detectors.test_determinism import SETTINGS, SHOP, executions, failed, slow
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.packed.snapshot import pack, unpack
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.model_event import ModelEvent
from tracehound.schemas.model_state import unpack_state
from tracehound.schemas.pieces import Wholes

STORED = Path(__file__).parent / "stored"
BEGUN_S, COUNT, RATE, CHUNK = 1_790_000_000.0, 1500, 8.0, 64
LEARNED = "eb13dd28941d796fee1c31192f07645c9b3498bd0598b0950e13fce04aec6140"
"""Digest of the state after going on, as the writer of the stored state had it."""


def test_a_state_of_version_0_1_0_goes_on_as_with_its_writer() -> None:
    [whole] = Wholes().add((STORED / "shop.state").read_bytes())
    stored = unpack_state(whole)
    scorer = Scorer(SETTINGS, InlineFitter())
    scorer.restore(stored.snapshot, SHOP)
    rest = executions("shop", 600, BEGUN_S + COUNT / RATE, 8)
    rest = [slow(one) if 200 <= i < 320 else failed(one) if 400 <= i < 440 else one for i, one in enumerate(rest)]
    told: list[AnomalyEvent | ModelEvent] = []
    for first in range(0, len(rest), CHUNK):
        scored = scorer.score(rest[first : first + CHUNK])
        told += [event for _, event in scored.anomalies]
        told += scored.model_events
    expected = msgspec.json.decode((STORED / "told-after.json").read_bytes())
    assert [[event.id, event.type, getattr(event.data, "reason", "")] for event in told] == expected
    learned = unpack(scorer.snapshot(SHOP))
    assert learned["banks"]["windows"]["windows"].pop("width_s") == SETTINGS.window_s  # which that writer did not say
    assert sha256(pack(learned)).hexdigest() == LEARNED

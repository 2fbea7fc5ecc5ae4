"""What the feed sends: the same for the same seed, in order for each application, and with something to be found."""

import itertools
from collections import Counter

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.scripts.soak.feed import executions

START_S = 1_750_000_000.0


def test_the_same_seed_sends_the_same() -> None:
    one, other = (list(itertools.islice(executions(5, 3, 30.0, START_S), 500)) for _ in range(2))
    assert one == other
    assert one != list(itertools.islice(executions(5, 4, 30.0, START_S), 500))


def test_there_is_something_to_be_found_in_it() -> None:
    sent = list(itertools.islice(executions(5, 3, 30.0, START_S), 6_000))
    assert len({execution.application for execution in sent}) == 5
    found = Scorer(DetectionSettings(), InlineFitter()).score(sent).anomalies
    assert Counter(anomaly.data.kind for _, anomaly in found).total() >= 5

"""An execution of very many parts, some of which always wait: that it is slow as a whole is not lost in them."""

import numpy as np
import pytest

from tests.detectors.structure.test_detector import judge, learn
from tracehound.detectors.structure.detector import Structure
from tracehound.schemas.execution import Execution, Segment

TIME = 5


def executions(rows: int, seed: int, own_ms: float = 100.0) -> list[Execution]:
    """A report made of 200 queries of 10 ms, of which about six have to wait for 60 ms more."""
    random, made = np.random.default_rng(seed), []
    for row in range(rows):
        took = 10.0 * random.lognormal(0.0, 0.2, 200) + 60.0 * (random.random(200) < 0.03)
        segments = [Segment(f"SELECT {'x' * (number + 1)}", float(ms)) for number, ms in enumerate(took)]
        made.append(Execution("shop", "GET /report", float(row), float(took.sum()) + own_ms, segments=segments))
    return made


@pytest.fixture(scope="module")
def trained() -> Structure:
    structure = Structure(warm_up=30)
    structure.open(0, seed=1)
    learn(structure, executions(600, 1))
    return structure


def test_what_is_slower_as_a_whole_is_found_among_many_parts(trained: Structure) -> None:
    judged = judge(trained, executions(200, 2, own_ms=2_600.0))
    assert np.mean(judged.score >= 2.0) > 0.9
    assert (judged.about[judged.score >= 2.0] == TIME).all()


def test_usual_ones_are_still_as_rare_as_they_say(trained: Structure) -> None:
    judged = judge(trained, executions(1_000, 3))
    assert np.mean(judged.score >= 2.0) < 0.02

"""What deviating executions have in common: told where it is certain, and never where it may be chance."""

import random

import pytest

from tracehound.detectors.features.attributes import Pair
from tracehound.detectors.features.contrast import (
    ATTRIBUTES,
    INSTANCES,
    LEFT_OUT,
    RECENT,
    VALUES,
    Contrast,
    concentrated,
)


def dealt(generator: random.Random, hosts: int = 9) -> list[Pair]:
    """An execution's host and tier, each by chance."""
    return [("host", f"shop-{generator.randrange(hosts)}"), ("tier", generator.choice(["gold", "blue", "none"]))]


def learned(seed: int = 1, count: int = 400, hosts: int = 9) -> Contrast:
    generator, contrast = random.Random(seed), Contrast()
    for _ in range(count):
        contrast.learn(dealt(generator, hosts))
    return contrast


def test_a_host_that_nearly_all_deviating_executions_ran_on_is_told_with_both_shares() -> None:
    generator, contrast = random.Random(2), learned()
    for number in range(25):
        host = "shop-3" if number else "shop-1"
        contrast.deviates(float(number), 1, [("host", host), dealt(generator)[1]])
    [found] = concentrated([contrast], "latency", 25.0)
    assert (found.attribute, found.value, found.share) == ("host", "shop-3", 0.96)
    assert 0.05 < found.usual_share < 0.2


def test_chance_is_told_next_to_never() -> None:
    told = 0
    for seed in range(300):
        generator, contrast = random.Random(seed), learned(seed, hosts=3)
        for number in range(5 + seed % 40):
            contrast.deviates(float(number), 2, dealt(generator, hosts=3))
            told += bool(concentrated([contrast], "errors", float(number)))
    assert told <= 1


@pytest.mark.parametrize("count", range(5))
def test_a_few_executions_say_nothing(count: int) -> None:
    contrast = learned()
    for number in range(count):
        contrast.deviates(float(number), 1, [("host", "shop-3")])
    assert concentrated([contrast], "latency", 5.0) == []


def test_what_all_executions_have_is_no_difference() -> None:
    contrast = Contrast()
    for number in range(200):
        contrast.learn([("host", "only-one"), ("version", "1")])
        contrast.deviates(float(number), 1, [("host", "only-one"), ("version", "1")])
    assert concentrated([contrast], "latency", 200.0) == []


def test_a_version_that_was_never_seen_is_a_difference() -> None:
    contrast = learned()
    for number in range(8):
        contrast.deviates(float(number), 1, [("host", f"shop-{number}"), ("version", "2")])
    [found] = concentrated([contrast], "latency", 8.0)
    assert (found.attribute, found.value, found.share, found.usual_share) == ("version", "2", 1.0, 0.0)


def test_other_deviations_and_old_ones_do_not_count() -> None:
    contrast = learned()
    for number in range(20):
        contrast.deviates(float(number), 2, [("host", "shop-3")])
    assert concentrated([contrast], "latency", 20.0) == []
    assert concentrated([contrast], "errors", 20.0)
    assert concentrated([contrast], "errors", 20_000.0) == []


def test_it_is_bounded_and_drops_what_is_different_each_time() -> None:
    contrast = Contrast()
    for number in range(3_000):
        hostile = [(f"name-{number % 97}", f"value {number}"), ("request", f"r{number}"), ("host", f"pod-{number}")]
        contrast.learn(hostile)
        contrast.deviates(float(number), 1, hostile)
    assert len(contrast.usual) <= ATTRIBUTES + 2
    assert all(len(one.counts) <= (INSTANCES if name == "host" else VALUES) for name, one in contrast.usual.items())
    assert len(contrast.left_out) <= LEFT_OUT
    assert "request" not in contrast.usual
    assert len(contrast.recent) == RECENT
    assert concentrated([contrast], "latency", 3_000.0) == []


def test_attributes_that_tell_most_keep_their_places() -> None:
    contrast, generator = Contrast(), random.Random(3)
    for _ in range(100):
        contrast.learn(
            [("shard", str(generator.randrange(4))), *[(f"constant{i}", "x") for i in range(ATTRIBUTES - 1)]]
        )
    for _ in range(100):
        contrast.learn([("shard", str(generator.randrange(4))), ("zone", generator.choice("ab")), ("constant0", "x")])
    assert {"shard", "zone"} <= contrast.usual.keys()
    assert contrast.left_out == ["constant0"]


def test_operations_that_run_elsewhere_are_compared_with_themselves() -> None:
    here, there = Contrast(), Contrast()
    for number in range(200):
        here.learn([("host", f"shop-{number % 9}")])
        there.learn([("host", "batch-0")])
    for number in range(20):
        there.deviates(float(number), 1, [("host", "batch-0")])
    assert concentrated([here, there], "latency", 20.0) == []
    for number in range(20):
        here.deviates(float(number), 1, [("host", "shop-0")])
    [found] = concentrated([here, there], "latency", 20.0)
    assert (found.value, found.share) == ("shop-0", 0.5)

from itertools import count

from tracehound.schemas.execution import Execution
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.feed import LIVE_S, Feed
from tracehound.scripts.simulator.simulation import Simulation, even_traffic


class Collected:
    def __init__(self) -> None:
        self.executions: list[Execution] = []
        self.flushes = 0

    def send(self, execution: Execution) -> None:
        self.executions.append(execution)

    def flush(self) -> None:
        self.flushes += 1


def feed_into(sink: Collected) -> Feed:
    return Feed(Simulation(build_system(), 1, 100.0, 1_000.0, even_traffic), sink)


def end_s(execution: Execution) -> float:
    return execution.started_s + execution.duration_ms / 1e3


def test_what_has_ended_by_now_is_sent_and_nothing_later() -> None:
    sink = Collected()
    feed = feed_into(sink)

    feed.advance(1_010.0)
    first = len(sink.executions)
    feed.advance(1_020.0)

    assert feed.sent == len(sink.executions) > first > 500
    assert max(map(end_s, sink.executions[:first])) <= 1_010.0 < min(map(end_s, sink.executions[first:]))
    assert sink.flushes == 2


def test_steps_do_not_change_what_is_sent() -> None:
    at_once, in_steps = Collected(), Collected()
    feed_into(at_once).advance(1_030.0)
    stepping = feed_into(in_steps)
    for now_s in range(1_000, 1_031):
        stepping.advance(float(now_s))

    assert in_steps.executions == at_once.executions


def test_the_past_is_sent_until_the_clock_is_reached_though_it_goes_on() -> None:
    sink, told = Collected(), list[float]()
    ticks = count()

    reached_s = feed_into(sink).catch_up(1_000.0, lambda: 1_100.0 + 0.1 * next(ticks), told.append)

    assert 1_100.0 <= reached_s <= 1_100.0 + LIVE_S + 1
    assert told == sorted(told)
    assert max(map(end_s, sink.executions)) <= reached_s
    assert len(sink.executions) > 7_000

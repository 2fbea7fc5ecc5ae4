"""What detectors tell of log events: errors of a new template, many errors, a burst, a silence; and nothing else."""

import random
from collections.abc import Callable, Iterator

import pytest

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.logs.templates import TemplateMiner
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import Anomaly
from tracehound.schemas.log_event import LogEvent
from tracehound.streams.intake.logs.log_executions import execution_of

START_S, FAULT_S, END_S = 1_767_225_600.0, 1_767_225_600.0 + 5_400.0, 1_767_225_600.0 + 6_600.0
USUAL = (
    ("order {n} was placed by a user", "info", 30.0),
    ("order {n} was paid with a card", "info", 20.0),
    ("item {n} of the page is cached", "debug", 40.0),
    ("try again after a timeout of {n} ms", "warning", 2.0),
    ("could not deliver mail {n}", "error", 0.5),
)
Logged = tuple[float, str, str]
Fault = Callable[[float, int, random.Random], Iterator[Logged]]


def nothing(_at_s: float, _n: int, _chance: random.Random) -> Iterator[Logged]:
    yield from ()


def new_information(at_s: float, n: int, chance: random.Random) -> Iterator[Logged]:
    if chance.random() < 0.05:
        yield at_s, f"the flag of feature {n} was set anew", "info"


def new_error(at_s: float, n: int, chance: random.Random) -> Iterator[Logged]:
    if chance.random() < 0.02:
        yield at_s, f"the ledger does not answer after {n} ms", "critical"


def many_errors(at_s: float, n: int, chance: random.Random) -> Iterator[Logged]:
    if chance.random() < 0.25:
        yield at_s, f"could not deliver mail {n}", "error"


def burst(at_s: float, n: int, _chance: random.Random) -> Iterator[Logged]:
    if at_s < FAULT_S + 300.0:
        yield from [(at_s, f"try again after a timeout of {n} ms", "warning")] * 6


def logged(fault: Fault, seed: int, end_s: float = END_S) -> Iterator[Logged]:
    chance, at_s, n = random.Random(seed), START_S, 0
    while (at_s := at_s + chance.expovariate(3.0)) < end_s:
        n += 1
        ((message, level, _),) = chance.choices(USUAL, [weight for *_, weight in USUAL])
        yield at_s, message.format(n=n), level
        if at_s > FAULT_S:
            yield from fault(at_s, n, chance)


def told(events: Iterator[Logged], silent_to_s: float = 0.0) -> list[Anomaly]:
    miner, scorer = TemplateMiner(), Scorer(DetectionSettings(), InlineFitter())
    executions = []
    for number, (at_s, message, level) in enumerate(events):
        event = LogEvent(message, level, "shop", timestamp=at_s, id=str(number))
        executions.append(execution_of(event, miner.learn_one(message, level), " logs"))  # type: ignore[arg-type]
    found = []
    for begin in range(0, len(executions), 500):
        found += [event.data for _, event in scorer.score(executions[begin : begin + 500]).anomalies]
    if silent_to_s:
        found += [event.data for event in scorer.judge_silence(silent_to_s, [("shop logs", "")])]
    return found


@pytest.mark.parametrize("fault", [nothing, new_information])
def test_usual_events_and_new_ones_that_are_no_errors_are_not_told(fault: Fault) -> None:
    assert told(logged(fault, 1)) == []


@pytest.mark.parametrize(
    ("fault", "signal", "says"),
    [
        (new_error, "error_type", 'The error "the ledger does not answer after <num>" was never logged before'),
        (many_errors, "window_errors", "of the executions of shop logs"),
        (burst, "traffic", "shop logs received"),
    ],
)
def test_what_is_wrong_is_told_with_its_kind_and_nothing_beside_it(fault: Fault, signal: str, says: str) -> None:
    found = told(logged(fault, 2))
    assert {anomaly.signal for anomaly in found} == {signal}
    assert says in found[0].reason
    assert {anomaly.application for anomaly in found} == {"shop logs"}


def test_an_application_that_says_nothing_any_more_is_told() -> None:
    (anomaly,) = told(logged(nothing, 3, FAULT_S), FAULT_S + 60.0)
    assert (anomaly.signal, anomaly.severity) == ("silence_ms", "major")

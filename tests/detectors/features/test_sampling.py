"""A change of sampling is told as one, and is no change of traffic or failures; real ones are still found."""

import random

import pytest

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import Execution

START_S, RATE, CHANGE_S, END_S = 1_767_225_600.0, 20.0, 3_000.0, 6_000.0
FAILING = 0.02


def told(
    share: float, keeps_failures: bool, said: bool | None, lost: float = 0.0, failing: float = FAILING
) -> tuple[list[str], list[str]]:
    """Signals of anomalies, and sentences of changes of sampling, where a sampler leaves a ``share`` of executions.

    It ``keeps_failures`` or not, and is ``said`` (None: that it samples, but not how). From half an hour after it began
    some traffic is ``lost``, and another share is ``failing``.
    """
    of, scorer = random.Random(7), Scorer(DetectionSettings(), InlineFitter())
    signals: list[str] = []
    sentences: list[str] = []
    executions: list[Execution] = []
    at_s = 0.0
    while at_s < END_S:
        at_s += of.expovariate(RATE)
        late = at_s > CHANGE_S + 1_800.0
        took_ms, fails, gone = of.uniform(45.0, 55.0), of.random(), late and of.random() < lost
        failed = fails < (failing if late else FAILING)
        left = 1.0 if at_s < CHANGE_S or (keeps_failures and failed) else share
        if gone or of.random() >= left:
            continue
        counted = 1.0 / left if said else 0.0 if said is None and at_s >= CHANGE_S else None
        status = "error" if failed else "ok"
        executions.append(
            Execution("shop", "GET /", START_S + at_s, took_ms, status=status, adjusted_count=counted)  # type: ignore[arg-type]
        )
    for first in range(0, len(executions), 500):
        scored = scorer.score(executions[first : first + 500])
        signals += [event.data.signal for _, event in scored.anomalies]
        sentences += [one.data.sentence for one in scored.model_events if one.data.change == "sampling_changed"]
    return signals, sentences


@pytest.mark.parametrize("keeps_failures", [False, True])
def test_a_sampler_that_says_how_it_samples_changes_nothing(keeps_failures: bool) -> None:
    signals, sentences = told(0.1, keeps_failures, said=True)
    assert signals == []
    assert len(sentences) == 1
    assert sentences[0].startswith("The sampling of shop has changed: each execution stands for ")


def test_what_is_sampled_by_nobody_knows_what_is_not_judged_and_said_so() -> None:
    signals, sentences = told(0.1, keeps_failures=True, said=None)
    assert signals == []
    assert sentences == [
        "Executions of shop are sampled, and nothing says how many each stands for: its traffic and its shares of "
        "failures are not judged."
    ]


def test_without_a_word_a_tenth_of_the_traffic_is_a_loss_of_traffic() -> None:
    assert "traffic" in told(0.1, keeps_failures=False, said=False)[0]


@pytest.mark.parametrize("keeps_failures", [False, True])
def test_behind_a_sampler_losses_and_failures_are_found(keeps_failures: bool) -> None:
    assert set(told(0.25, keeps_failures, said=True, lost=0.9)[0]) <= {"traffic"}
    assert "traffic" in told(0.25, keeps_failures, said=True, lost=0.9)[0]
    signals, _ = told(0.25, keeps_failures, said=True, failing=0.4)
    assert signals
    assert {"error_rate", "window_errors"} >= set(signals)

"""One fault from start to verdict: workers, feed, fault, the end of the feed, a clean stop, the checker."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.errors import TracehoundError
from tracehound.scripts.soak.checker import Verdict
from tracehound.scripts.soak.faults import Fault
from tracehound.scripts.soak.scene import Pace, Scene, scene

REPORTED = (
    "executions",
    "lost",
    "learned_twice",
    "states_differing",
    "anomalies",
    "anomalies_missing",
    "ids_differing",
    "anomalies_repeated",
    "refused",
    "not_buried",
)


@dataclass(frozen=True, slots=True)
class Trial:
    """What one run of a fault led to; ``failure`` says why there is no verdict (a worker that gave up, a time-out).

    ``measured`` is what the fault itself measured, by name.
    """

    name: str
    verdict: Verdict
    failure: str = ""
    measured: Mapping[str, float] = field(default_factory=dict)


def try_fault(fault: Fault, broker: Broker, folder: Path, pace: Pace, seed: int = 1) -> Trial:
    """Let one fault happen to busy workers, and judge what they left behind.

    Raises:
        TracehoundError: workers ended, did not come to an end, or did not stop cleanly.
        AssertionError: a fault did not show as it must.
    """
    with scene(broker, folder, pace, seed, fault.workers) as stage:
        with stage.feed:
            fault.act(stage)
            stage.feed.stop(pace.least)
        return Trial(fault.name, finish(stage), measured=stage.measured)


def finish(stage: Scene) -> Verdict:
    """Let the workers finish what was sent, stop them by SIGTERM, and judge what they left behind."""
    stage.settle()
    stage.crew.stop()
    return stage.verdict()


def summary(name: str, trials: list[Trial], pace: Pace) -> dict[str, Any]:
    """The figures of all runs of a fault together, with the pace that all had."""
    totals = {what: sum(asdict(trial.verdict)[what] for trial in trials) for what in REPORTED}
    failures = [trial.failure for trial in trials if trial.failure]
    how = {"rounds": pace.rounds, "rate": round(pace.rate)}
    measured = {what: max(one.measured.get(what, 0) for one in trials) for trial in trials for what in trial.measured}
    figures = {"name": name, "runs": len(trials), **how, **totals, **measured}
    return figures | ({"failures": failures} if failures else {})


def trial(fault: Fault, broker: Broker, folder: Path, pace: Pace, seed: int) -> Trial:
    """As ``try_fault``, with a sentence in place of an error."""
    with suppress(FileExistsError):
        folder.mkdir()
    try:
        return try_fault(fault, broker, folder, pace, seed)
    except (TracehoundError, AssertionError) as error:
        return Trial(fault.name, Verdict(), str(error) or repr(error))

"""What settings would have told of recorded executions: a backtest of one candidate, with what it cost."""

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from math import isfinite, prod
from typing import Any

from tracehound.detectors.ensemble.ensemble import Ensemble
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.execution import Execution, epoch_seconds

GRACE_S = 120.0
"""How long after a confirmed incident ended an anomaly still counts as of it."""
OF_WORKERS = frozenset(
    {
        *("applications_per_worker", "operations_per_application", "peers_per_application"),
        *("reservoir", "refit_delay"),
    }
)
"""Settings of detection that say how much memory a worker takes, and how much it scores at once: not of one
application.
"""
_DAY_S = 86_400.0
_MOST_BUILT = 1_024
Candidate = Mapping[str, float]
"""Settings of detection by their names, beside which all others stay as they are."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of event time, epoch seconds."""

    start_s: float
    end_s: float

    def holds(self, at_s: float) -> bool:
        """Whether a moment counts as within."""
        return self.start_s <= at_s <= self.end_s + GRACE_S


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a candidate would have told. ``days`` is the event time that the executions cover.

    ``found`` of the ``confirmed`` incidents had an anomaly; ``outside`` counts anomalies that were in none of them.
    ``complete`` is False where the CPU seconds were used up before all executions were scored.
    """

    executions: int
    days: float
    anomalies: int
    outside: int
    confirmed: int
    found: int
    cpu_s: float
    complete: bool

    @property
    def outside_a_day(self) -> float:
        """Anomalies a day that were in no confirmed incident."""
        return self.outside / self.days if self.days else 0.0

    @property
    def recall(self) -> float | None:
        """Which share of the confirmed incidents was found; None without any."""
        return self.found / self.confirmed if self.confirmed else None


def with_candidate(settings: DetectionSettings, candidate: Candidate) -> DetectionSettings:
    """The settings with those of a candidate.

    Raises:
        ConfigurationError: one of them is none that is a number, or lies outside its range; the message names it.

    >>> with_candidate(DetectionSettings(), {"least_sigma": 5}).least_sigma
    5.0
    """
    known = {one.name: getattr(settings, one.name) for one in fields(settings)}
    given: dict[str, Any] = {}
    for name, value in candidate.items():
        if not isinstance(known.get(name), int | float):
            raise ConfigurationError(f"A setting that is searched must be a number of detection. Got {name!r} instead.")
        if name in OF_WORKERS:
            raise ConfigurationError(
                f"The setting {name!r} must be the same for all applications. Got {value:g} for one."
            )
        if not isfinite(value):
            raise ConfigurationError(f"The setting {name!r} must be a finite number. Got {value:g} instead.")
        whole = isinstance(known[name], int)
        if whole and value != int(value):
            raise ConfigurationError(f"The setting {name!r} must be a whole number. Got {value:g} instead.")
        given[name] = int(value) if whole else float(value)
    try:
        wanted = replace(settings, **given)
        _build(wanted)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    return wanted


@lru_cache(_MOST_BUILT)
def _build(settings: DetectionSettings) -> None:
    """See whether detectors can be built of settings; what contradicts only there must be known before it is used."""
    Ensemble(settings)


def candidates(search: Mapping[str, Sequence[float]], most: int, seed: int = 0) -> list[dict[str, float]]:
    """What is tried: the settings as they are, then every combination, or as many as may be, drawn by ``seed``.

    >>> candidates({"least_sigma": [4, 5]}, most=9)
    [{}, {'least_sigma': 4}, {'least_sigma': 5}]
    """
    count = prod(len(values) for values in search.values()) if search else 0
    if count < most:
        numbers: Iterable[int] = range(count)
    else:
        draw, drawn = random.Random(seed), set[int]()
        while len(drawn) < most - 1:
            drawn.add(draw.randrange(count))
        numbers = sorted(drawn)
    return [{}, *(_combination(search, number) for number in numbers)]


def _combination(search: Mapping[str, Sequence[float]], number: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in reversed(list(search)):
        number, place = divmod(number, len(search[name]))
        found[name] = search[name][place]
    return {name: found[name] for name in search}


def backtest(
    settings: DetectionSettings,
    batches: Iterable[Sequence[Execution]],
    confirmed: Sequence[Stretch],
    most_cpu_s: float,
    cpu: Callable[[], float] = time.process_time,
) -> Backtest:
    """Score recorded executions of one application, in their order, from cold models.

    Parameters:
        settings: of the candidate.
        batches: the executions.
        confirmed: incidents that people confirmed.
        most_cpu_s: CPU seconds that it may take, reading included; a batch is not interrupted.
        cpu: CPU seconds of this process.
    """
    scorer, begun = Scorer(settings, InlineFitter()), cpu()
    executions, told, first_s, last_s, complete = 0, list[AnomalyEvent](), float("inf"), float("-inf"), True
    for batch in batches:
        for begin in range(0, len(batch), scorer.chunk):
            told += [event for _, event in scorer.score(batch[begin : begin + scorer.chunk]).anomalies]
        executions += len(batch)
        times = [one.started_s for one in batch]
        first_s, last_s = min([first_s, *times]), max([last_s, *times])
        if cpu() - begun >= most_cpu_s:
            complete = False
            break
    moments = [epoch_seconds(event.time) for event in told]
    found = sum(any(one.holds(at_s) for at_s in moments) for one in confirmed)
    outside = sum(not any(one.holds(at_s) for one in confirmed) for at_s in moments)
    days = max(0.0, last_s - first_s) / _DAY_S if executions else 0.0
    return Backtest(executions, days, len(told), outside, len(confirmed), found, cpu() - begun, complete)

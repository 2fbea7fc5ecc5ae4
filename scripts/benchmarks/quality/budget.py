"""False alarms where nothing is wrong, obtained against the alarm budget that was set."""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter

from scipy.stats import chi2

from tracehound.detectors.calibration.calibration import BLOCK_S
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import epoch_seconds
from tracehound.scripts.benchmarks.quality.figures import Figures
from tracehound.scripts.benchmarks.quality.product import run_product
from tracehound.scripts.benchmarks.quality.workload import DataSet
from tracehound.scripts.recorded.evaluation import report_windows
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.trial import DAY_S, Course, run_trial

SETTING = "alarm_budget"
"""The setting of detection that says how many false alarms an application may raise a day."""
EXPECTED = 40.0
"""False alarms that the raised budget asks for over all that is observed: enough for a narrow interval."""
CONFIDENCE = 0.95
SEEDS = 8
START_S = 1_767_225_600.0
HOURS = 4.0
HISTORY_S = 1_200.0
RATE = 20.0
STRAIN = 0.2
"""Simulated systems: traffic of the day in executions per second, and how much durations grow with it."""


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """False alarms of fault-free application-days; ``nominal`` is the budget a day and application."""

    application_days: float
    obtained: int
    nominal: float

    def figures(self) -> Figures:
        """Counts, and the ratio of obtained to expected with its exact Poisson interval."""
        expected = self.nominal * self.application_days
        low, high = poisson_interval(self.obtained)
        return {
            "application_days": self.application_days,
            "false_alarms": self.obtained,
            "per_application_day": self.obtained / self.application_days,
            "nominal_per_application_day": self.nominal,
            "expected": expected,
            "ratio": self.obtained / expected,
            "ratio_interval": [low / expected, high / expected],
        }


def poisson_interval(count: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Exact interval for the mean of a Poisson variable that came out as ``count``.

    Source: F. Garwood, Biometrika 28 (1936).

    >>> [round(end, 2) for end in poisson_interval(25)]
    [16.18, 36.9]
    """
    beyond = (1.0 - confidence) / 2.0
    low = float(chi2.ppf(beyond, 2 * count)) / 2.0 if count else 0.0
    return low, float(chi2.isf(beyond, 2 * count + 2)) / 2.0


def episodes(anomalies: Iterable[AnomalyEvent]) -> int:
    """How many alarms anomalies are to the budget: one application's within five minutes of event time are one."""
    latest: dict[tuple[str, str], float] = {}
    alarms = 0
    for at_s, anomaly in sorted(((epoch_seconds(found.time), found) for found in anomalies), key=itemgetter(0)):
        key = (anomaly.data.application, anomaly.data.environment)
        alarms += at_s > latest.get(key, -math.inf) + BLOCK_S
        latest[key] = at_s
    return alarms


def together(parts: Sequence[FalseAlarms]) -> FalseAlarms:
    """Several observations under the same budget as one."""
    return FalseAlarms(
        sum(part.application_days for part in parts), sum(part.obtained for part in parts), parts[0].nominal
    )


def raised_budget(application_days: float) -> float:
    """The budget, a day and application, that makes enough false alarms expected."""
    [highest] = [field.metadata["high"] for field in dataclasses.fields(DetectionSettings) if field.name == SETTING]
    return raised(application_days, DetectionSettings().alarm_budget, float(highest))


def raised(application_days: float, default: float, highest: float) -> float:
    """What makes ``EXPECTED`` alarms in so many days, but never less than the default nor more than allowed.

    >>> raised(10.0, default=0.5, highest=100.0), raised(10.0, default=0.5, highest=3.0)
    (4.0, 3.0)
    """
    return min(max(default, EXPECTED / application_days), highest)


def _settings(nominal: float) -> DetectionSettings:
    return dataclasses.replace(DetectionSettings(), alarm_budget=nominal)


def on_recording(data: DataSet, application_days: float) -> FalseAlarms:
    """False alarms of a recording outside its windows and margins, under the raised budget."""
    nominal = raised_budget(application_days)
    run = run_product(data, _settings(nominal))
    starts_s = run.kept.started_s[data.scored]
    judged = report_windows(data.windows, run.kept.anomalies, [], warm_until_s=starts_s[0])
    return FalseAlarms(application_days, episodes(judged.false_alarms), nominal)


def simulated_days(seeds: int = SEEDS) -> float:
    """Application-days observed in all simulated systems together."""
    return sum((_course(seed).application_days - _history_days(_course(seed))) for seed in range(seeds))


def on_simulation(seed: int) -> FalseAlarms:
    """False alarms of a simulated system without faults, under the raised budget; its first minutes do not count.

    Each seed is another system at another time of day.
    """
    nominal = raised_budget(simulated_days())
    course = _course(seed)
    judgement = run_trial(Scorer(_settings(nominal), InlineFitter()), course)
    counted = [found for found in judgement.false_alarms if epoch_seconds(found.time) >= course.start_s + HISTORY_S]
    return FalseAlarms(course.application_days - _history_days(course), episodes(counted), nominal)


def _course(seed: int) -> Course:
    start_s = START_S + seed * HOURS * 3_600.0
    return Course(build_system(seed=seed), seed, RATE, start_s, start_s + HOURS * 3_600.0, strain=STRAIN)


def _history_days(course: Course) -> float:
    return HISTORY_S / DAY_S * len(course.system.applications)

"""Which detectors run beside the charts. A new detector is one file and one line here."""

from collections.abc import Callable

from tracehound.detectors.bank import Bank
from tracehound.detectors.calibration.calibration import Channel
from tracehound.detectors.charts.signals import QUEUE
from tracehound.detectors.errors.error_rate import ErrorRate
from tracehound.detectors.forests.half_space_trees import HalfSpaceTrees
from tracehound.detectors.forests.isolation_forest import IsolationForest
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling.deviation import ERROR_TYPE, TEMPLATE_RATE
from tracehound.schemas.errors import ConfigurationError

Build = Callable[[DetectionSettings], Bank]

EXTRA_DETECTORS: dict[str, Build] = {
    HalfSpaceTrees.name: lambda _: HalfSpaceTrees(),
    IsolationForest.name: lambda settings: IsolationForest(settings.reservoir),
}
"""Those that run only where the setting ``extra_detectors`` names them."""

DETECTORS: tuple[Build, ...] = (
    lambda settings: ErrorRate(patience_s=settings.patience_s, persist_s=settings.persist_s),
    *EXTRA_DETECTORS.values(),
)
"""Everything else that judges executions, built from the settings."""


def chosen(detectors: tuple[Build, ...], settings: DetectionSettings) -> tuple[Bank, ...]:
    """The banks of ``detectors``, in their order, without the extra ones that the settings do not name.

    Raises:
        ConfigurationError: the setting ``extra_detectors`` names one that does not exist.

    >>> [bank.name for bank in chosen(DETECTORS, DetectionSettings(extra_detectors=("isolation-forest",)))]
    ['error-rate', 'isolation-forest']
    """
    for name in settings.extra_detectors:
        if name not in EXTRA_DETECTORS:
            known = ", ".join(EXTRA_DETECTORS)
            raise ConfigurationError(f"The setting 'extra_detectors' must name only {known}. Got {name!r} instead.")
    left_out = [build for name, build in EXTRA_DETECTORS.items() if name not in settings.extra_detectors]
    return tuple(build(settings) for build in detectors if build not in left_out)


SINGLE, STRUCTURE, STRUCTURE_CHANGE = "single", "structure", "structure_change"
"""Channels of one execution's tail over all its signals, and of its structure alone and with its neighbours'; that of
the type of its error is named as the signal is."""

CERTAIN_WINDOW, BURSTY = 5.0, 7.5
"""−log10 of the probability of a window that is an anomaly whatever the budget; traffic comes in bursts."""


def channels(settings: DetectionSettings, detectors: tuple[Bank, ...], windows: tuple[str, ...]) -> tuple[Channel, ...]:
    """What is calibrated per application: charts, calls, executions, structure, errors, banks, windows, queues, logs.

    The scales are means of the excesses in fault-free blocks of labelled traces; the weights say how much of the
    budget a channel is worth there. See ``docs/detection.md``.
    """
    floor, ceiling, outlier = settings.least_sigma, settings.major_sigma, settings.outlier_sigma
    never = 300.0
    charted = (
        Channel("self_ms", True, 0.5, floor, ceiling, weight=0.5),
        Channel("local_ms", True, 0.5, floor, ceiling, weight=1.0),
        Channel("memory_peak_mb", True, 0.5, floor, ceiling, weight=0.5),
        Channel("call_gap_ms", True, 0.35, floor, settings.certain_gap_sigma, weight=16.0),
        Channel("call_ms", True, 0.5, floor, ceiling, weight=3.0),
    )
    executions = (
        Channel(SINGLE, False, 1.4, settings.tail_score, never, weight=0.1),
        Channel(STRUCTURE, False, 1.2, 4.0, never, weight=0.3),
        Channel(STRUCTURE_CHANGE, True, 1.3, floor, max(17.0, floor), weight=1.0, gated=False),
        Channel(ERROR_TYPE, False, 0.5, 7.0, 12.0, weight=1.0),
    )
    banks = tuple(
        Channel(bank.name, False, 0.45, min(3.0, settings.tail_score), settings.tail_score, weight=3.0, exact=True)
        if bank.calibrated
        else Channel(bank.name, True, 0.7, outlier, 2.0 * outlier, weight=0.1)
        for bank in detectors
    )
    of_windows = (
        Channel(
            *(name, False, 0.6, 3.0, BURSTY if name == "traffic" else CERTAIN_WINDOW),
            weight=2.0 if name == "traffic" else 0.4,
            seldom=name == "traffic",  # two looks a minute
            exact=True,
        )
        for name in windows
    )
    queues = Channel(QUEUE.name, True, 0.5, floor, ceiling, weight=1.0, seldom=True)
    # a log event that bursts says how improbable that is for all templates together, by windows that it has seen
    templates = Channel(TEMPLATE_RATE, False, 0.5, 5.0, BURSTY, weight=1.0, seldom=True, exact=True)
    return (*charted, *executions, *banks, *of_windows, queues, templates)

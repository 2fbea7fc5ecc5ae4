"""Settings of detection, each with its legal range; a wrong one is named with rule and value."""

from dataclasses import dataclass, field

from tracehound.detectors.setting_ranges import check_ranges, ranged

LONGEST_DELAY = 10_000
"""The largest setting ``refit_delay``."""
PRIVATE = (
    *("user", "users", "userid", "username", "enduser", "login", "account", "person", "name", "firstname", "lastname"),
    *("surname", "email", "mail", "phone", "mobile", "address", "ip", "ssn", "iban", "card", "birthday", "gender"),
    *("latitude", "longitude", "session", "cookie", "token", "password", "secret", "auth", "authorization", "key"),
)
"""The default of the setting ``private_attributes``."""


@dataclass(frozen=True, slots=True)
class DetectionSettings:
    """How the detectors learn and when they alarm.

    Which names ``extra_detectors`` may hold is known to ``detectors.ensemble.registry`` and checked where they are
    built.

    Raises:
        ValueError: a setting lies outside its range; the message names setting, rule and value.

    >>> DetectionSettings(least_sigma=-1.0)
    Traceback (most recent call last):
        ...
    ValueError: The setting 'least_sigma' must be from 3 to 40. Got -1.0 instead.
    """

    alarm_budget: float = ranged(
        0.5, 0.001, 100, "false alarms per application and day that are acceptable; alarms within five minutes are one"
    )
    least_sigma: float = ranged(4.0, 3, 40, "chart deviation, in sigma, below which nothing is an anomaly")
    major_sigma: float = ranged(8.0, 3, 40, "chart deviation, in sigma, that is an anomaly whatever the budget")
    certain_gap_sigma: float = ranged(
        6.0, 3, 40, "deviation of a call gap, in sigma, that is an anomaly whatever the budget"
    )
    tail_score: float = ranged(
        8.0, 2, 50, "−log10 of the false-alarm probability from which a single execution is an anomaly"
    )
    minimum_excess_ms: float = ranged(5.0, 0, 60_000, "milliseconds above typical from which a latency matters")
    outlier_sigma: float = ranged(10.0, 3, 40, "deviation, in sigma, of an outlier score from which it is an anomaly")
    silence_min_s: float = ranged(15.0, 0.1, 86_400, "shortest silence of an application that is an anomaly")
    warm_up_executions: int = ranged(30, 10, 500, "executions of an operation before its charts judge")
    gate_sigma: float = ranged(4.0, 2, 40, "deviation, in sigma, from which a chart stops learning")
    patience_s: float = ranged(600.0, 1, 86_400, "event time after which a deviation counts as lasting")
    persist_s: float = ranged(
        86_400.0, 60, 2_592_000, "event time after which a lasting deviation is the new normal without a new version"
    )
    release_patience_s: float = ranged(
        180.0, 1, 86_400, "event time after which a deviation that a new version brought is the new normal"
    )
    release_window_s: float = ranged(
        1_800.0, 0, 86_400, "event time after a version was first seen in which deviations are put down to it"
    )
    window_s: float = ranged(30.0, 1, 3_600, "length of the windows of the golden signals, in event time")
    lateness_s: float = ranged(5.0, 0, 3_600, "event time that a window waits for late executions")
    feedback_days: float = ranged(
        30.0, 1, 365, "days of event time for which an anomaly that was judged to be nothing is not told again"
    )
    rest_s: float = ranged(300.0, 0, 86_400, "event time in which a repeated anomaly is not published again")
    silence_score: float = ranged(
        6.0, 2, 50, "−log10 of the false-alarm probability from which missing traffic is an anomaly"
    )
    first_refit: int = ranged(512, 64, 1_000_000, "executions of an application before its first forest")
    refit_growth: float = ranged(4.0, 1.1, 100, "factor between the counts of successive refits")
    refit_every_at_most: int = ranged(50_000, 64, 10_000_000, "executions between refits once they no longer grow")
    refit_delay: int = ranged(1_024, 1, LONGEST_DELAY, "executions between the start of a refit and its taking effect")
    reservoir: int = ranged(2_000, 64, 20_000, "executions kept per application to refit from")
    operations_per_application: int = ranged(
        2_000, 1, 1_000_000, "operations with a model of their own per application; more share one"
    )
    peers_per_application: int = ranged(
        200, 1, 100_000, "called services with a model of their own per application; more share one"
    )
    applications_per_worker: int = ranged(4_000, 1, 10_000_000, "applications with models on one worker")
    extra_detectors: tuple[str, ...] = field(
        default=("half-space-trees", "isolation-forest"),
        metadata={"meaning": "detectors per application that run beside the charts; names, separated by commas"},
    )
    private_attributes: tuple[str, ...] = field(
        default=PRIVATE,
        metadata={
            "meaning": "attributes with one of these words in their name are never remembered or told, as those of "
            "persons; separated by commas, * for all attributes"
        },
    )

    def __post_init__(self) -> None:
        check_ranges(self)
        if any(word != word.lower() or not word for word in self.private_attributes):
            raise ValueError(
                "The setting 'private_attributes' must hold words in lower case, and none that is empty. "
                f"Got {', '.join(map(repr, self.private_attributes))} instead."
            )
        for larger, smaller in (
            ("major_sigma", "least_sigma"),
            ("certain_gap_sigma", "least_sigma"),
            ("window_s", "lateness_s"),
        ):
            if getattr(self, larger) < getattr(self, smaller):
                raise ValueError(
                    f"The setting '{larger}' must be at least '{smaller}'. "
                    f"Got {getattr(self, larger)!r} and {getattr(self, smaller)!r} instead."
                )

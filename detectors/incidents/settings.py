"""Settings of incidents, each with its legal range; a wrong one is named with rule and value."""

from dataclasses import dataclass

from tracehound.detectors.setting_ranges import check_ranges, ranged


@dataclass(frozen=True, slots=True)
class IncidentSettings:
    """How anomalies become incidents. All times are event time.

    Raises:
        ValueError: a setting lies outside its range; the message names setting, rule and value.

    >>> IncidentSettings(quiet_s=0.0)
    Traceback (most recent call last):
        ...
    ValueError: The setting 'quiet_s' must be from 1 to 86400. Got 0.0 instead.
    """

    join_s: float = ranged(
        120.0, 1, 86_400, "an application joins the incident of one that it calls, or is called by, within so long"
    )
    confirm_s: float = ranged(
        30.0, 0, 86_400, "a single minor anomaly is told as an incident once its deviation has gone on for so long"
    )
    confirm_occasions: int = ranged(
        2, 1, 1_000, "minor anomalies of different executions or windows that are told as an incident at once"
    )
    quiet_s: float = ranged(
        120.0, 1, 86_400, "an incident is resolved when all its applications were scored for so long without deviating"
    )
    grace_s: float = ranged(900.0, 0, 604_800, "a resolved incident is opened again when it deviates within so long")
    update_every_s: float = ranged(300.0, 1, 86_400, "least time between updates that bring nothing but more numbers")
    join_update_s: float = ranged(
        60.0, 0, 86_400, "another application is told at once when the last event is at least so long ago"
    )
    persist_after_s: float = ranged(
        3_600.0, 60, 2_592_000, "an incident that lasts for longer is persisting; and the time between its updates then"
    )
    release_before_s: float = ranged(1_800.0, 0, 86_400, "releases are listed from so long before the incident's start")
    storm_groups: int = ranged(
        3,
        *(2, 1_000),
        "so many incidents of applications that do not call each other, of one kind and begun within storm_s, are one",
    )
    storm_s: float = ranged(3.0, 1, 3_600, "see storm_groups")
    critical_applications: int = ranged(
        3, 1, 10_000, "critical: so many applications with major anomalies, and critical_share"
    )
    critical_share: float = ranged(
        0.5, 0, 1, "critical: share of the applications' executions in operations that deviate"
    )
    critical_after_s: float = ranged(
        1_800.0, 1, 86_400, "critical: major errors that have lasted for so long, and critical_share"
    )
    critical_silence_s: float = ranged(
        45.0, 0, 86_400, "critical: silence that has lasted for so long; a restart or a redeploy is over by then"
    )
    critical_silence_rate: float = ranged(
        1.0, 0, 1_000_000, "critical: silence of an application that had so many executions/s, or that others call"
    )
    major_applications: int = ranged(4, 1, 10_000, "major: so many applications deviate")
    major_operations: int = ranged(20, 1, 1_000_000, "major: so many operations deviate")
    calls_half_life_s: float = ranged(
        21_600.0, 60, 2_592_000, "time in which what is known of who calls whom counts half"
    )
    recurring_days: int = ranged(
        5,
        0,
        7,
        "quiet: what came at this time on so many of the last 7 days, and is no worse; 0: nothing is",
    )
    recurring_shift_s: float = ranged(1_800.0, 0, 21_600, "at this time: so much earlier or later")
    recurring_margin: float = ranged(1.2, 1, 10, "no worse: no more than so many times as large, as long and as broad")
    open_per_environment: int = ranged(
        200, 1, 100_000, "incidents that are open at a time; of more, the one that deviated longest ago is given up"
    )
    applications_per_environment: int = ranged(
        20_000, 1, 1_000_000, "applications of an environment that are remembered"
    )
    environments: int = ranged(200, 1, 100_000, "environments that are remembered")
    remembered_ids: int = ranged(20_000, 100, 10_000_000, "ids of anomalies by which repeated ones are told")

    def __post_init__(self) -> None:
        check_ranges(self)

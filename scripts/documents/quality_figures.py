"""Tables of how good the detectors are."""

from typing import Any, Final

from tracehound.scripts.documents.measured import Measured, number, table, verdict

_SHOWN: Final = ("call gap chart", "static p99", "IsolationForest", "LOF", "River HalfSpaceTrees(10)")
_PUBLISHED_NAB: Final = ("best published, tuned on all series (ARTime)", 74.9, 65.2, 80.4)
_WANTED_AP_ALL, _WANTED_PATHS_F1, _BUDGET = 0.90, 0.985, 0.5


def recording(measured: Measured, name: str) -> str:
    """Tracehound and the simple methods on one recording of labelled traces."""
    figures = measured.of("quality")[name]
    rows = [_detector("**tracehound**", figures)]
    rows += [_detector(one, figures["baselines"][one]) for one in _SHOWN]
    head = (
        *("detector", "average precision visible / all", "P / R / F1 at the alarm", "false-positive rate"),
        *("windows detected", "median delay"),
    )
    rates = f"Base rate {number(figures['base_rate'])} / {number(figures['base_rate_all'])}. "
    return f"{table(head, rows)}\n\n{rates}{measured.origin('quality', 'make bench-quality')}"


def summary(measured: Measured) -> str:
    """A line for each thing that was measured, for the first page."""
    quality, nab_scores, causes_found = measured.of("quality"), measured.of("nab"), measured.of("incidents")
    rows = []
    for name, said in (("train_ticket_30", "tuned here"), ("online_boutique_22", "never tuned on")):
        figures, found = quality[name], causes_found[name]
        at_alarm = figures["automatic"]
        rows += [
            [
                f"labelled traces of {name} ({said})",
                f"average precision on all windows {number(figures['ap_all'])}, F1 {number(at_alarm['f1'], 2)} at a "
                f"false-positive rate of {number(at_alarm['false_positive_rate'], 4)}; "
                f"{at_alarm['windows_detected']} of {at_alarm['windows']} faults found, median delay "
                f"{at_alarm['median_delay_s']:.0f} s",
            ],
            [
                f"false alarms on {name}",
                f"{figures['published']['false_alarms_per_application_day']:.1f} per application and day (budget "
                f"{_BUDGET}), on {figures['published']['fault_free_application_days']:.1f} fault-free application-days",
            ],
            [
                f"suspected cause on {name}, 180 s after the fault began",
                f"right in {found['cause_top1'] * found['windows']:.0f} of {found['windows']} visible faults",
            ],
        ]
    tried = measured.of("trials")["scenarios"].values()
    standard = nab_scores["cross_validated"]["standard"]
    rows += [
        [
            "Numenta Anomaly Benchmark, standard, with a detector of its own",
            f"{standard:.1f} cross-validated; best published {_PUBLISHED_NAB[1]}",
        ],
        [
            "simulated faults of ten kinds and random size",
            f"{sum(one['detected'] for one in tried)} of {sum(one['faults'] for one in tried)} found",
        ],
    ]
    return table(("judged on", "found"), rows)


def _detector(name: str, figures: dict[str, Any]) -> list[str]:
    at_alarm = figures["automatic"]
    delay = at_alarm["median_delay_s"]
    return [
        name,
        f"{number(figures['ap_visible'])} / {number(figures['ap_all'])}",
        " / ".join(number(at_alarm[one], 2) for one in ("precision", "recall", "f1")),
        number(at_alarm["false_positive_rate"], 4),
        f"{at_alarm['windows_detected']} of {at_alarm['windows']}",
        "–" if delay is None else f"{delay:.0f} s",
    ]


def paths(measured: Measured) -> str:
    """The structure detector alone, and simple methods, where every trace has a label."""
    figures = measured.of("quality")["train_ticket_paths"]
    alone = {"**structure detector alone**": figures, **figures["baselines"]}
    together = figures["all_detectors"]
    rows = [_by_trace(name, one) for name, one in alone.items()]
    rows.append(_by_trace("tracehound, all detectors against a budget per day", together))
    head = ("detector", "average precision", "best F1", "F1 at the alarm", "false-positive rate")
    return f"{table(head, rows)}\n\n{measured.origin('quality', 'make bench-quality')}"


def _by_trace(name: str, figures: dict[str, Any]) -> list[str]:
    at_alarm = figures["automatic"]
    return [
        name,
        *(number(figures[one]) for one in ("ap", "best_f1")),
        number(at_alarm["f1"]),
        number(at_alarm["false_positive_rate"], 4),
    ]


def missed(measured: Measured) -> str:
    """What was wanted of labelled traces, and what was found."""
    quality = measured.of("quality")
    ap_all, f1 = quality["online_boutique_22"]["ap_all"], quality["train_ticket_paths"]["automatic"]["f1"]
    rows = [
        *(
            [
                f"false alarms per application and day on {name} at the default budget of {_BUDGET}",
                f"≤ {_BUDGET}",
                f"{found:.1f} on {published['fault_free_application_days']:.1f} fault-free application-days",
                verdict(found <= _BUDGET),
            ]
            for name in ("train_ticket_30", "online_boutique_22")
            for published in (quality[name]["published"],)
            for found in (published["false_alarms_per_application_day"],)
        ),
        [
            "average precision on all windows of online_boutique_22",
            f"≥ {_WANTED_AP_ALL:.2f}",
            number(ap_all),
            verdict(ap_all >= _WANTED_AP_ALL),
        ],
        ["F1 on train_ticket_paths", f"≥ {_WANTED_PATHS_F1}", number(f1), verdict(f1 >= _WANTED_PATHS_F1)],
    ]
    for name, budget in quality["alarm_budget"].items():
        low, high = budget["ratio_interval"]
        rows.append(
            [
                f"obtained over nominal false alarms, {name}",
                "1/1.5 to 1.5",
                f"{number(budget['ratio'], 2)} (95 % interval {number(low, 2)} to {number(high, 2)})",
                verdict(1 / 1.5 <= budget["ratio"] <= 1.5),
            ]
        )
    cost = (
        f"CPU per execution in that run: {number(quality['us_per_execution'], 1)} µs of features and detectors, in "
        "calls of what comes within 5 s of the recording, as silence asks for: some 25 executions, so that most is "
        "the call. [What batches cost](speed.md) is another figure."
    )
    origin = measured.origin("quality", "make bench-quality")
    return f"{table(('what', 'wanted', 'found', ''), rows)}\n\n{cost} {origin}"


def nab(measured: Measured) -> str:
    """The Numenta Anomaly Benchmark next to the best that was published."""
    figures = measured.of("nab")
    profiles = ("standard", "reward_low_FP_rate", "reward_low_FN_rate")
    shown = {"cross_validated": "tracehound, cross-validated", "tuned_on_all": "tracehound, tuned on all series"}
    rows = [[said, *(number(figures[key][profile], 1) for profile in profiles)] for key, said in shown.items()]
    rows.append([_PUBLISHED_NAB[0], *(number(score, 1) for score in _PUBLISHED_NAB[1:])])
    return f"{table(('', 'standard', 'low FP', 'low FN'), rows)}\n\n{measured.origin('nab', 'make bench-nab')}"


def causes(measured: Measured) -> str:
    """How often the injected service is the first suspect 180 s after the fault began."""
    rows = []
    for name in ("train_ticket_30", "online_boutique_22"):
        figures = measured.of("incidents")[name]
        for said, windows in (("visible", figures), ("all", figures["all_windows"])):
            counted = f"{windows['cause_top1'] * windows['windows']:.0f} of {windows['windows']}"
            simple = f"{figures['baselines']['most anomalies']['cause_top1']:.0%}" if said == "visible" else "–"
            rows.append([f"{name}, {said} windows", counted, simple])
    head = ("recording", "injected service is the first suspect", "the one with the most anomalies is right")
    return f"{table(head, rows)}\n\n{measured.origin('incidents', 'make bench-incidents')}"


def trials(measured: Measured) -> str:
    """Simulated faults of ten kinds and random size, and simulated days without faults."""
    figures = measured.of("trials")
    rows = [
        [
            name.replace("_", " "),
            f"{one['detected']} of {one['faults']}",
            f"{one['median_delay_s']:.0f} s",
            str(one["severity_right"]),
            str(one["cause_right"]),
        ]
        for name, one in figures["scenarios"].items()
    ]
    whole = figures["scenarios"].values()
    rows.append(
        [
            "all",
            f"{sum(one['detected'] for one in whole)} of {sum(one['faults'] for one in whole)}",
            "",
            str(sum(one["severity_right"] for one in whole)),
            str(sum(one["cause_right"] for one in whole)),
        ]
    )
    quiet = figures["quiet_days"]
    low, high = quiet["interval"]
    said = (
        f"On {quiet['application_days']:.0f} application-days without faults: "
        f"{number(quiet['per_application_day'], 2)} false alarms a day and application "
        f"(95 % interval {number(low, 2)} to {number(high, 2)}; the budget is {figures['alarm_budget']})."
    )
    head = ("fault", "detected", "median delay", "severity right", "cause right")
    return f"{table(head, rows)}\n\n{said} {measured.origin('trials', 'make bench-trials')}"

"""The rules with every time in them shortened, so that what fires after hours fires within a test.

A time of t seconds becomes its cube root: 2 m become 4.9 s, 10 m 8.4 s, 6 h 28 s, 7 d 85 s. So shorter stays shorter,
and an alert that looks back further than it waits still does. Times are what is in brackets (how far is looked back),
after ``offset`` and ``for:``, and limits of a minute and more of what is measured in seconds, as of lag. Nothing else
changes: rules, labels, sentences and all other limits are those of production, which is tested.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"(?<=\[)(\d+)([smhd])(?=\])|(?<=offset )(\d+)([smhd])\b")
_LIMIT = re.compile(r"(_seconds\b\)?(?:\{[^}]*\})? (?:>|<) )(\d+)(?![\d.])")
_SHORTEST_LIMIT_S = 60


def hurried_s(seconds: float) -> float:
    """What a time of production is in the test, in seconds.

    >>> [round(hurried_s(60 * minutes), 1) for minutes in (2, 10, 360)]
    [4.9, 8.4, 27.8]
    """
    return float(seconds ** (1 / 3))


def hurried(expression: str) -> str:
    """An expression of PromQL with its times and its limits of time shortened.

    >>> hurried("rate(tracehound_records_total[5m]) > 0.01")
    'rate(tracehound_records_total[6694ms]) > 0.01'
    >>> hurried("max by (job) (tracehound_lag_seconds) > 60 unless on () (tracehound_ready offset 10m) > 60")
    'max by (job) (tracehound_lag_seconds) > 3.915 unless on () (tracehound_ready offset 8434ms) > 60'
    """
    shorter = _DURATION.sub(lambda found: _prometheus("".join(filter(None, found.groups()))), expression)
    return _LIMIT.sub(_limit, shorter)


def write_hurried(rules: Iterable[Path], folder: Path) -> list[Path]:
    """Write shortened copies of files of rules; returns where they are."""
    written = []
    for file in rules:
        known: dict[str, Any] = yaml.safe_load(file.read_text())
        for rule in (rule for group in known["groups"] for rule in group["rules"]):
            rule["expr"] = hurried(rule["expr"])
            if "for" in rule:
                rule["for"] = _prometheus(rule["for"])
        written.append(folder / file.name)
        written[-1].write_text(yaml.safe_dump(known, sort_keys=False))
    return written


def _limit(found: "re.Match[str]") -> str:
    limit_s = int(found[2])
    return found[1] + (f"{hurried_s(limit_s):.3f}" if limit_s >= _SHORTEST_LIMIT_S else found[2])


def _prometheus(duration: str) -> str:
    return f"{round(1_000 * hurried_s(int(duration[:-1]) * _SECONDS[duration[-1]]))}ms"

"""Rules in a hurry differ from those of production in times alone, and keep their order."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.end_to_end.alerts.hurried_rules import hurried, hurried_s, write_hurried
from tests.end_to_end.alerts.watchers import RULES

FILES = sorted(RULES.glob("*.yml"))
TIMES = re.compile(r"\[\w+\]|offset \w+|(?<=_seconds)\)? > [1-9][\d.]+")


def read(file: Path) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_all_but_times_is_as_in_production(file: Path, tmp_path: Path) -> None:
    [written] = write_hurried([file], tmp_path)
    for slow, quick in zip(read(file), read(written), strict=True):
        assert ("for" in slow) == ("for" in quick)
        slow, quick = ({**rule, "for": "", "expr": TIMES.sub("", rule["expr"])} for rule in (slow, quick))
        assert slow == quick


def test_no_time_of_the_alerts_is_left_as_it_was(tmp_path: Path) -> None:
    for written in write_hurried(FILES, tmp_path):
        for rule in read(written):
            assert not re.search(r"\[\d+[smhd]\]|offset \d+[smhd]\b", rule["expr"])
            assert rule.get("for", "1ms").endswith("ms")
            assert not [limit for limit in re.findall(r"_seconds\)? > (\d+)\b(?!\.)", rule["expr"]) if int(limit) >= 60]


def test_shorter_stays_shorter_and_what_looks_further_back_than_it_waits_still_does() -> None:
    times = [60, 120, 300, 600, 900, 1_800, 3_600, 21_600, 86_400, 604_800]
    assert sorted(map(hurried_s, times)) == [hurried_s(time_s) for time_s in times]
    assert hurried_s(900) + hurried_s(900) < hurried_s(86_400)  # nothing received: as long as that, within the last day


def test_limits_below_a_minute_and_those_of_other_things_stay() -> None:
    for same in ("tracehound_x_seconds > 0.5", "tracehound_lag_records > 10000", "tracehound_stalled_seconds > 59"):
        assert hurried(same) == same

"""The acceptance procedure: verdicts of detectors whose worth is known, and lists that are wrong."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tracehound.scripts.acceptance.checks import judge
from tracehound.scripts.acceptance.operators_list import read_incidents
from tracehound.scripts.acceptance.sweep import sweep
from tracehound.scripts.acceptance.timeline import Stretch, TimelineError, cut

DAY_S = 86_400.0
INCIDENTS = [Stretch(day * DAY_S + 36_000, day * DAY_S + 37_800) for day in range(0, 10, 2)]
"""Half an hour on every other day of ten."""


def verdict(alerts: Sequence[Stretch], scores: Sequence[Stretch] = (), incidents: Sequence[Stretch] = INCIDENTS) -> str:
    return sweep(lambda size_s: cut(0.0, 10 * DAY_S, size_s, incidents, alerts, scores), 300.0).verdict


def scored(stretches: Sequence[Stretch], score: float) -> list[Stretch]:
    return [Stretch(one.start_s, one.end_s, score + number) for number, one in enumerate(stretches)]


def test_a_detector_that_is_right_passes_and_its_scores_are_held_against_chance() -> None:
    late = [Stretch(one.start_s + 120, one.end_s) for one in INCIDENTS]
    timeline = cut(0.0, 10 * DAY_S, 300.0, INCIDENTS, late, scored(late, 6.0))
    judged = judge(timeline)
    assert (judged.verdict, judged.buckets) == ("PASS", 2_880)
    assert judged.prevalence == pytest.approx(5 * 6 / 2_880)
    assert judged.recall == 1.0
    assert judged.auc == 1.0
    assert verdict(late) == "PASS"  # without scores it rests on fewer checks
    assert judge(cut(0.0, 10 * DAY_S, 300.0, INCIDENTS, late, ())).auc is None


def test_one_that_flags_everything_nothing_or_the_wrong_time_is_excluded() -> None:
    assert verdict([Stretch(0.0, 10 * DAY_S)]) == "EXCLUDE"
    assert verdict([]) == "EXCLUDE"
    assert verdict([Stretch(one.start_s + 40_000, one.end_s + 40_000) for one in INCIDENTS]) == "EXCLUDE"


def test_one_that_alerts_half_of_the_time_is_excluded_though_it_misses_nothing() -> None:
    judged = judge(cut(0.0, 10 * DAY_S, 300.0, INCIDENTS, [Stretch(0.0, 5 * DAY_S), *INCIDENTS], ()))
    assert judged.f1 > judged.floor
    assert judged.verdict == "EXCLUDE"
    assert judged.reasons == ["It alerts on 50.4% of the time while 1.0% was an incident."]


def test_scores_that_order_worse_than_chance_exclude_what_alerts_alone_would_let_pass() -> None:
    elsewhere = scored([Stretch(day * DAY_S, day * DAY_S + 30_000) for day in range(10)], 5.0)
    judged = judge(cut(0.0, 10 * DAY_S, 300.0, INCIDENTS, INCIDENTS, elsewhere))
    assert judged.auc is not None
    assert judged.auc < 0.5
    assert judged.verdict == "EXCLUDE"


def test_nothing_can_be_said_without_an_incident_or_without_anything_else() -> None:
    assert verdict(INCIDENTS, incidents=[]) == "INSUFFICIENT"
    assert verdict(INCIDENTS, incidents=[Stretch(0.0, 10 * DAY_S)]) == "INSUFFICIENT"


def test_a_verdict_that_turns_on_the_size_of_buckets_is_none() -> None:
    """Moments of alert in the first minute of long incidents: an hour's bucket makes hours of them."""
    rng = np.random.default_rng(0)
    incidents = [Stretch(day * DAY_S, day * DAY_S + 7_200) for day in range(10)]
    moments = [Stretch(at, at) for day in range(10) for at in day * DAY_S + rng.uniform(0, 7_200, 3)]
    swept = sweep(lambda size_s: cut(0.0, 10 * DAY_S, size_s, incidents, moments, ()), 300.0)
    assert swept.verdict == "UNSTABLE"
    assert swept.reasons[0].startswith("The verdict turns on the size of the buckets: EXCLUDE at 60 s")


def test_the_end_of_a_stretch_belongs_to_what_comes_after_and_what_lies_outside_is_left_out() -> None:
    stretches = [Stretch(-500.0, -100.0), Stretch(60.0, 120.0), Stretch(180.0, 180.0), Stretch(1e9, 2e9)]
    assert cut(0.0, 300.0, 60.0, stretches, (), ()).incident.tolist() == [False, True, False, True, False]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["begin,end", "1,2"], "must have the columns start and end"),
        (["start,end", "1,2", "yesterday,5"], "Line 3 .* 'start' in RFC 3339 or epoch seconds. Got 'yesterday'"),
        (["start,end", "5,2"], "Line 2 .* ends before it starts"),
        (["start,end", "nan,2"], "Line 2 .* Got 'nan'"),
    ],
)
def test_a_list_that_is_wrong_is_refused_by_its_line(tmp_path: Path, lines: list[str], says: str) -> None:
    file = tmp_path / "incidents.csv"
    file.write_text("\n".join(lines))
    with pytest.raises(TimelineError, match=says):
        read_incidents(file)


def test_a_list_may_name_applications_leave_ends_open_and_mix_forms(tmp_path: Path) -> None:
    file = tmp_path / "incidents.csv"
    file.write_text("Start , End,Application\n2026-01-01T00:00:00Z,2026-01-01T00:10:00Z,shop\n60,,\n70,80,other\n")
    assert read_incidents(file, "shop") == [Stretch(1_767_225_600.0, 1_767_226_200.0), Stretch(60.0, 60.0)]
    assert len(read_incidents(file)) == 3


def test_time_must_pass_and_make_no_more_buckets_than_memory_has_room_for() -> None:
    with pytest.raises(TimelineError, match="must end after it begins"):
        cut(10.0, 10.0, 60.0, (), (), ())
    with pytest.raises(TimelineError, match="at most 5000000 buckets"):
        cut(0.0, 1e12, 60.0, (), (), ())

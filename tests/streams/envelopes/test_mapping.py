"""Fields of executions in JSON that has other names: paths, units, outcomes, and what is no mapping."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.execution_rules import Limits
from tracehound.streams.envelopes.mapping import FieldMapping
from tracehound.streams.envelopes.opener import ExecutionReader
from tracehound.streams.envelopes.units import UNITS, duration_s, moment_s

NOW_S = 1_795_962_270.25


def mapped(written: str, given: Any) -> Any:
    content = FieldMapping(written).mapped(json.dumps(given).encode())
    return content and json.loads(content)


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("a", {"a": "shop"}),
        ("a.b.c", {"a": {"b": {"c": "shop"}}}),
        ("a.b.c", {"a": {"b.c": "shop"}}),
        ("a.b.c", {"a.b": {"c": "shop"}}),
        ("a.b.c", {"a.b.c": "shop"}),
        ("a.1.b", {"a": [{"b": "other"}, {"b": "shop"}]}),
        ("a.0", {"a": ["shop"]}),
    ],
)
def test_paths_lead_into_objects_and_arrays(path: str, given: Any) -> None:
    assert mapped(f"application={path}", given)["application"] == "shop"


@pytest.mark.parametrize("given", [{"a": []}, {"a": ["x"]}, {"a": {"1": {}}}, {"a": 5}, {"b": [[]]}, 7, "text", []])
def test_a_path_that_leads_nowhere_gives_nothing(given: Any) -> None:
    assert mapped("application=a.1.b", given) is None


@pytest.mark.parametrize(
    ("unit", "given"),
    [
        ("s", NOW_S),
        ("ms", NOW_S * 1e3),
        ("us", int(NOW_S * 10**6)),
        ("ns", int(NOW_S * 10**9)),
        ("ns", str(int(NOW_S * 10**9))),
        ("text", "2026-11-29T14:24:30.250Z"),
        ("iso8601", "2026-11-29 15:24:30,25+01:00"),
        ("text", "2026-11-29T14:24:30.25"),
        ("text", "20261129T142430.250Z"),
    ],
)
def test_moments_in_each_unit(unit: str, given: Any) -> None:
    assert mapped(f"started_at=t:{unit}", {"t": given})["started_at"] == pytest.approx(NOW_S, abs=1e-5)


@pytest.mark.parametrize(
    ("unit", "given", "ms"),
    [
        ("s", 0.25, 250),
        ("ms", "250", 250),
        ("us", 250_000, 250),
        ("ns", 250_000_000, 250),
        ("iso8601", "PT0.25S", 250),
        ("text", "P1DT1H1M0,5S", 90_060_500),
        ("text", "250ms", 250),
        ("text", "250 µs", 0.25),
        ("text", "1h2m3.5s", 3_723_500),
        ("text", "00:00:00.250", 250),
        ("text", "1.02:03:04", 93_784_000),
    ],
)
def test_durations_in_each_unit(unit: str, given: Any, ms: float) -> None:
    assert mapped(f"duration_ms=took:{unit}", {"took": given})["duration_ms"] == pytest.approx(ms)


def test_a_duration_may_lie_between_two_moments() -> None:
    written = "duration_ms=times.begin..times.end:text"
    times = {"begin": "2026-11-29T14:24:30Z", "end": "2026-11-29T14:24:31.5Z"}
    assert mapped(written, {"times": times})["duration_ms"] == 1_500
    assert mapped(written, {"times": {"begin": times["begin"]}})["duration_ms"] is None


@pytest.mark.parametrize("given", ["soon", None, [], {}, True, "nan", "1e999", "", "P", "PT", "1 parsec", "5", "::"])
def test_what_is_no_time_stays_for_the_rules_to_refuse(given: Any) -> None:
    for written in ("started_at=t:text", "duration_ms=t:text"):
        assert mapped(written, {"t": given}) == {"t": given, written.partition("=")[0]: given}


@given(st.text() | st.integers() | st.floats(allow_nan=True), st.sampled_from(UNITS))
def test_any_value_is_borne(value: Any, unit: str) -> None:
    for of in (moment_s, duration_s):
        found = of(value, unit)
        assert found is None or abs(found) < float("inf")


@pytest.mark.parametrize(
    ("rule", "given", "status"),
    [
        ("error=failed|timed out", "Failed", "error"),
        ("error=failed|timed out", "timed out", "error"),
        ("error=failed|timed out", "anything", "ok"),
        ("ok=success|200", 200, "ok"),
        ("ok=success|200", 201, "error"),
        ("ok=true", True, "ok"),
        ("ok=true", False, "error"),
        ("error=5xx|429", 503, "error"),
        ("error=5xx|429", "429", "error"),
        ("error=5xx|429", 5033, "ok"),
        ("error=5xx", None, "unset"),
        ("error=5xx", [], []),
    ],
)
def test_outcomes_are_told_by_their_values(rule: str, given: Any, status: Any) -> None:
    assert mapped(f"status=o:{rule}", {"o": given})["status"] == status


def test_all_of_it_makes_an_execution() -> None:
    written = (
        "application=svc.name, operation=http.route, started_at=ts:ns, duration_ms=took:text,"
        " status=http.code:error=5xx, trace_id="
    )
    given = {
        "svc": {"name": "shop"},
        "http": {"route": "GET /cart", "code": 503},
        "ts": int(NOW_S * 1e9),
        "took": "118.4ms",
        "trace_id": 7,
    }
    reader = ExecutionReader(Limits(), None, FieldMapping(written))
    (execution,) = reader.decode(json.dumps(given).encode(), (), NOW_S).executions
    assert (execution.application, execution.operation, execution.status) == ("shop", "GET /cart", "error")
    assert (execution.started_s, execution.duration_ms) == pytest.approx((NOW_S, 118.4))
    (refused,) = reader.decode(json.dumps(given | {"took": "long"}).encode(), (), NOW_S).rejected
    assert "'duration_ms' must be a finite number >= 0. Got \"long\" instead." in refused.reason


@pytest.mark.parametrize(
    "written",
    ["operation=o:error=5xx", "application=a:ms", "duration_ms=a..b", "started_at=a..b:ms", "status=o:error=", "a=b:c"],
)
def test_what_is_no_mapping_is_told_with_the_part(written: str) -> None:
    with pytest.raises(ConfigurationError, match="'execution_fields'") as told:
        FieldMapping(written)
    assert repr(written) in str(told.value)

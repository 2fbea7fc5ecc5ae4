"""The report of training: every run is told in its bucket, beside what was estimated of it."""

import pytest

from tracehound.schemas.model_event import ModelChange, TrainingCost
from tracehound.scripts.benchmarks.training.__main__ import measured, page
from tracehound.scripts.benchmarks.training.runs import trained


def change(samples: int, cpu_s: float) -> ModelChange:
    cost = TrainingCost(cpu_s, cpu_s, samples, 100_000, 5, "on demand")
    return ModelChange("shop", "", "", "isolation-forest", "trained", samples, 0, "", cost)


def test_errors_are_those_of_estimates_from_runs_before() -> None:
    changes = [change(100 + 50 * (number % 30), 0.002 + 1e-6 * (number % 30)) for number in range(60)]
    changes.append(change(100, 0.004))
    found = measured(changes)
    assert found["runs"] == sum(row["runs"] for row in found["by_samples"]) == 56
    assert found["estimate_error_share"]["median"] < 0.05
    assert found["by_samples"][0]["samples"] == "1 to 100"
    assert found["by_samples"][0]["error_share"]["p90"] > 0.3
    assert f"**{found['estimate_error_share']['median']:.1%}**" in page(found)


@pytest.mark.parametrize("applications", [2])
def test_applications_are_trained_on_schedule_and_on_demand(applications: int) -> None:
    told = list(trained(applications))
    assert {one.application for one in told} == {"app-0", "app-1"}
    assert {one.cost.why for one in told if one.cost is not None} >= {"on demand"}
    assert all(one.cost is not None and one.cost.cpu_s > 0.0 for one in told)

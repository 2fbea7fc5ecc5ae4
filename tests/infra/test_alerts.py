"""Alert and recording rules: Prometheus's own tool runs their tests, and none lacks a test, a metric or a page."""

import re
import subprocess
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from tracehound.scripts.documents.metrics_table import metrics_table

PROJECT = Path(__file__).parents[2]
RULES, RUNBOOK = PROJECT / "infra/prometheus/rules", PROJECT / "docs/runbook.md"
TESTS = PROJECT / "tests/infra/prometheus/alerts.test.yml"


def rules(name: str) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = yaml.safe_load((RULES / f"{name}.yml").read_text())["groups"]
    return list(chain.from_iterable(group["rules"] for group in groups))


def metric_names(expression: str) -> set[str]:
    """Those of tracehound's own metrics, without what a histogram adds to them."""
    found = re.findall(r"(?<![:\w])tracehound_\w+(?![:\w])", re.sub(r'"[^"]*"', "", expression))
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in found}


def test_prometheus_itself_accepts_the_rules_and_runs_their_tests(real_program: Callable[..., str]) -> None:
    promtool = real_program("promtool")
    for command in (["check", "rules", *map(str, RULES.glob("*.yml"))], ["test", "rules", TESTS.name]):
        run = subprocess.run([promtool, *command], cwd=TESTS.parent, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr


def test_every_alert_is_seen_to_fire_and_to_be_quiet() -> None:
    cases = yaml.safe_load(TESTS.read_text())["tests"]
    fires = {case["alert_rule_test"][0]["alertname"] for case in cases if case["alert_rule_test"][0]["exp_alerts"]}
    quiet = {case["alert_rule_test"][0]["alertname"] for case in cases if not case["alert_rule_test"][0]["exp_alerts"]}
    assert fires == quiet == {rule["alert"] for rule in rules("alerts")}


def test_every_alert_has_its_page_and_the_table_says_how_long_it_waits() -> None:
    page = RUNBOOK.read_text()
    for rule in rules("alerts"):
        name, waits = rule["alert"], rule.get("for", "at once")
        assert f"\n## {name}\n" in page
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{name.lower()}"
        assert f"| [{name}](#{name.lower()}) | {rule['labels']['severity']} | {waits} |" in page
    assert set(re.findall(r"^## (Tracehound\w+)$", page, re.MULTILINE)) == {rule["alert"] for rule in rules("alerts")}


@pytest.mark.parametrize("name", ["alerts", "recording"])
def test_rules_ask_for_metrics_that_there_are(name: str) -> None:
    known = set(re.findall(r"^\| `(tracehound_\w+)`", metrics_table(), re.MULTILINE))
    recorded = {rule["record"] for rule in rules("recording")}
    for rule in rules(name):
        assert metric_names(rule["expr"]) <= known
        asked = set(re.findall(r"\b(?:instance|job|application):\w+:\w+", rule["expr"]))
        assert asked <= recorded
        assert metric_names(rule["expr"]) or asked or "up{" in rule["expr"]

"""The way of decisions into Elasticsearch, held against lines as workers write them.

No registry has Elastic's servers, so that what is tested is that the files agree with the lines and with each other.
"""

import io
import json
import logging
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tracehound.schemas.anomaly import ANOMALY_TYPE, Anomaly, AnomalyEvent, ModelStamp
from tracehound.schemas.execution import Execution
from tracehound.streams.scoring.decision_log import log_anomaly
from tracehound.streams.settings.settings import Settings
from tracehound.streams.worker.logging import configure_logging

PROJECT = Path(__file__).parents[2]
ELK = PROJECT / "infra/elk"
ANOMALY, PREDICTION = (
    json.loads(line) for line in Path(__file__).with_name("decisions.ndjson").read_text().splitlines()
)
JSON_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("keyword", "date"), (str,)),
    "float": (float, int),
    "integer": (int,),
}
"""What JSON has to hold for a type of Elasticsearch."""


def template() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ELK / "template.json").read_text())
    return found


def logstash() -> str:
    return (ELK / "logstash/tracehound.conf").read_text()


def document(line: dict[str, Any]) -> dict[str, Any]:
    """What the pipeline makes of a line: time and event have other names."""
    renamed = {"timestamp": "@timestamp", "event": "decision"}
    return {renamed.get(name, name): value for name, value in line.items()}


def anomaly() -> AnomalyEvent:
    told = Anomaly(
        application="shop",
        operation="GET /cart",
        environment="production",
        version="",
        kind="outlier",
        score=5.8,
        sigma=7.0,
        severity="minor",
        confidence=0.41,
        signal="duration",
        typical=5.0,
        actual=20_000.0,
        bounds=(0.0, 10.0),
        unit="ms",
        contributions={},
        reason="",
        exemplar_trace_ids=[],
        window=None,
        model=ModelStamp("tracehound", "2", 8_012, None, warming=False),
        incident_key="1",
    )
    return AnomalyEvent("9f1c5a7e", "tracehound", ANOMALY_TYPE, "shop", "2026-11-30T07:00:00Z", told)


def test_the_recorded_line_is_what_a_worker_writes() -> None:
    stream = io.StringIO()
    configure_logging(Settings(), stream)
    log_anomaly(anomaly(), Execution("shop", "GET /cart", 0.0, 20_000.0), 0.5)
    logging.getLogger("other").info("nothing of that kind")
    written, other = stream.getvalue().splitlines()
    assert list(json.loads(written)) == list(ANOMALY)
    [pattern] = yaml.safe_load((ELK / "filebeat.yml").read_text())["filebeat.inputs"][0]["include_lines"]
    assert re.search(pattern, written)
    assert not re.search(pattern, other)


def test_the_recorded_prediction_is_the_one_of_the_documentation() -> None:
    [shown] = re.findall(r'^{"event": "prediction".+}$', (PROJECT / "docs/predictions.md").read_text(), re.MULTILINE)
    assert json.loads(shown).keys() | {"level", "logger", "timestamp"} == PREDICTION.keys()


@pytest.mark.parametrize("line", [ANOMALY, PREDICTION], ids=["anomaly", "prediction"])
def test_every_field_is_mapped_to_a_type_that_takes_it(line: dict[str, Any]) -> None:
    mapped = template()["template"]["mappings"]["properties"]
    for name, value in document(line).items():
        assert isinstance(value, JSON_TYPES[mapped[name]["type"]]), name
    assert mapped.keys() == document(ANOMALY).keys() | document(PREDICTION).keys()


def test_the_pipeline_renames_what_the_template_has_under_another_name() -> None:
    assert re.search(r'rename => { "event" => "decision" }', logstash())
    assert re.search(r'match => \["timestamp", "ISO8601"\] target => "@timestamp"', logstash())
    assert logstash().count("{") == logstash().count("}")


def test_stream_template_policy_and_view_belong_together() -> None:
    parts = [re.search(rf'data_stream_{name} => "(.+)"', logstash()) for name in ("type", "dataset", "namespace")]
    stream = "-".join(part[1] for part in parts if part)
    [pattern] = template()["index_patterns"]
    assert stream.startswith(pattern.removesuffix("*"))
    policy = template()["template"]["settings"]["index.lifecycle.name"]
    script = (ELK / "prepare.sh").read_text()
    assert f"_ilm/policy/{policy} policy.json" in script
    assert json.loads((ELK / "policy.json").read_text())["policy"]["phases"].keys() == {"hot", "delete"}
    view, search = map(json.loads, (ELK / "kibana.ndjson").read_text().splitlines())
    assert view["attributes"]["title"] == pattern
    assert search["references"][0]["id"] == view["id"]
    mapped = template()["template"]["mappings"]["properties"]
    assert set(search["attributes"]["columns"]) <= mapped.keys()
    query = json.loads(search["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]["query"]
    assert set(re.findall(r"(\w+) [<:]", query)) <= mapped.keys()
    assert (search["attributes"]["timeRange"]["from"], search["attributes"]["timeRestore"]) == ("now-1h", True)


def test_a_shell_reads_the_script() -> None:
    assert subprocess.run(["sh", "-n", ELK / "prepare.sh"], check=False).returncode == 0

"""The Helm chart, as Helm renders it: what it starts exists and may do what it must, and what is wrong is refused."""

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.checkout import PROJECT
from tests.conftest import COULD_NOT_RUN
from tests.infra.test_compose import variables_of_settings
from tracehound.scripts.cli import COMMANDS
from tracehound.scripts.manifests.go_tools import KEDA, go, module_folder
from tracehound.scripts.manifests.judging import judge
from tracehound.scripts.manifests.rendering import ChartError, lint, rendered
from tracehound.streams.settings.settings import Settings, load_settings

CHART = PROJECT / "infra/helm/tracehound"
EXAMPLES = sorted((PROJECT / "infra/helm/examples").glob("*.yaml"))
SMALL = PROJECT / "infra/helm/examples/small.yaml"
PRODUCTION = PROJECT / "infra/helm/examples/production.yaml"
TOKENS = PROJECT / "infra/helm/examples/tokens.yaml"


@pytest.fixture(scope="module", autouse=True)
def _helm() -> None:
    if go() is None:
        told = f"{COULD_NOT_RUN}: Helm: it is built by Go, which is not installed"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(told)


def of_kind(objects: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"].removeprefix("trace-"): one for one in objects if one["kind"] == kind}


def pods(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = of_kind(objects, "Deployment") | of_kind(objects, "Job")
    return {name: one["spec"]["template"]["spec"] for name, one in found.items()}


def variables(pod: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in pod["containers"][0]["env"]}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_kubernetes_and_operators_take_every_object(example: Path) -> None:
    lint(CHART, [example])
    objects = rendered(CHART, [example])
    assert len(objects) > 10
    for one in objects:
        judge(one)


def test_the_judge_refuses_what_an_api_server_would_prune_or_refuse() -> None:
    objects = rendered(CHART, [PRODUCTION])
    scaled = of_kind(objects, "ScaledObject")["worker"]
    monitor = of_kind(objects, "PodMonitor")["worker"]
    deployment = of_kind(objects, "Deployment")["worker"]
    wrong = (
        scaled | {"spec": scaled["spec"] | {"maxReplicas": 3}},
        monitor | {"spec": monitor["spec"] | {"podMetricsEndpoints": [{"port": 8780}]}},
        deployment | {"spec": deployment["spec"] | {"replica": 3}},
    )
    for one in wrong:
        with pytest.raises(jsonschema.ValidationError):
            judge(one)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_every_process_is_a_command_with_settings_that_are_taken(
    example: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    values = yaml.safe_load(example.read_text())
    file = tmp_path / "tracehound.toml"
    file.write_text(values.get("config", ""))
    tomllib.loads(file.read_text())
    found = pods(rendered(CHART, [example]))
    assert {"topics", "worker", "intake", "incidents"} <= found.keys()
    for name, pod in found.items():
        (container,) = pod["containers"]
        assert container["args"] == ["tracehound", name]
        assert name in COMMANDS
        known = variables(pod)
        assert known.keys() <= variables_of_settings()
        with monkeypatch.context() as patch:
            for variable, value in known.items():
                patch.setenv(variable, "of a secret" if isinstance(value, dict) else value)
            patch.setenv("TRACEHOUND_CONFIG", str(file))
            for variable in ("TRACEHOUND_SSL_CA_FILE", "TRACEHOUND_SSL_CERTIFICATE_FILE", "TRACEHOUND_SSL_KEY_FILE"):
                if variable in known:
                    patch.setenv(variable, str(file))
            settings = load_settings()
        assert settings.bootstrap_servers == values["kafka"]["bootstrapServers"]
        assert name == "topics" or container["ports"][0]["containerPort"] == ports(settings)[name]


def ports(settings: Settings) -> dict[str, int]:
    return {
        "worker": settings.http_port,
        "intake": settings.intake.http_port,
        "incidents": settings.incident_worker.http_port,
        "notify": settings.notify.http_port,
        "gateway": settings.gateway.port,
        "console": settings.console.port,
    }


def test_secrets_are_named_and_never_written() -> None:
    for pod in pods(rendered(CHART, [PRODUCTION])).values():
        said = variables(pod)
        for name in ("TRACEHOUND_SASL_USERNAME", "TRACEHOUND_SASL_PASSWORD"):
            assert set(said[name]) == {"secretKeyRef"}
    users = {
        name: variables(pod)["TRACEHOUND_SASL_USERNAME"]["secretKeyRef"]["name"]
        for name, pod in pods(rendered(CHART, [PRODUCTION])).items()
    }
    assert users == {name: f"kafka-{name}" for name in users}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_no_container_may_more_than_it_must(example: Path) -> None:
    for pod in pods(rendered(CHART, [example])).values():
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in (*pod["initContainers"], *pod["containers"]):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert "memory" in container["resources"]["limits"]


def test_scaling_asks_for_the_lag_of_our_groups_and_ends_at_the_partitions() -> None:
    settings = Settings()
    objects = of_kind(rendered(CHART, [PRODUCTION]), "ScaledObject")
    (of_workers,) = objects["worker"]["spec"]["triggers"]
    (of_intake,) = objects["intake"]["spec"]["triggers"]
    assert of_workers["metadata"]["consumerGroup"] == settings.group_id
    assert of_workers["metadata"]["topic"] == settings.topics.executions.name
    assert of_intake["metadata"]["consumerGroup"] == settings.intake.group_id
    assert of_intake["metadata"]["topic"] in settings.intake.otlp_topic_names
    assert objects["worker"]["spec"]["maxReplicaCount"] == 24
    assert "replicas" not in of_kind(rendered(CHART, [PRODUCTION]), "Deployment")["worker"]["spec"]


def test_with_tokens_processes_and_keda_know_where_they_are_got_and_may_go_there() -> None:
    objects = rendered(CHART, [TOKENS])
    url = "https://login.example.com/oauth2/token"
    for pod in pods(objects).values():
        assert variables(pod)["TRACEHOUND_SASL_OAUTH_TOKEN_URL"] == url
        assert variables(pod)["TRACEHOUND_SASL_OAUTH_SCOPE"] == "kafka"
    for policy in of_kind(objects, "NetworkPolicy").values():
        assert {"port": 443} in [port for rule in policy["spec"]["egress"] for port in rule["ports"]]
    assert of_kind(objects, "ConfigMap")["tokens"]["data"] == {"tokenUrl": url, "scope": "kafka"}
    for name, scaled in of_kind(objects, "ScaledObject").items():
        assert scaled["spec"]["triggers"][0]["metadata"]["sasl"] == "oauthbearer"
        asked = of_kind(objects, "TriggerAuthentication")[name]["spec"]
        given = {one["parameter"] for one in (*asked["secretTargetRef"], *asked["configMapTargetRef"])}
        assert given == {"username", "password", "oauthTokenEndpointUri", "scopes"}


def test_keda_takes_every_parameter_that_it_is_given() -> None:
    """By its source: what it does not know, it passes over without a word."""
    scaler = (module_folder(KEDA) / "pkg/scalers/kafka_scaler.go").read_text()
    known = dict(re.findall(r'keda:"name=(\w+),\s*order=([\w;]+)', scaler))
    for example in EXAMPLES:
        objects = rendered(CHART, [example])
        for scaled in of_kind(objects, "ScaledObject").values():
            for name in scaled["spec"]["triggers"][0]["metadata"]:
                assert "triggerMetadata" in known[name]
        for asked in of_kind(objects, "TriggerAuthentication").values():
            for one in (*asked["spec"]["secretTargetRef"], *asked["spec"].get("configMapTargetRef", ())):
                assert "authParams" in known[one["parameter"]]


def test_rules_are_those_that_prometheus_runs() -> None:
    for name, one in of_kind(rendered(CHART, [PRODUCTION]), "PrometheusRule").items():
        written = (PROJECT / f"infra/prometheus/rules/{name}.yml").read_text()
        linked = written.replace(" docs/runbook.md#", " https://git.example.com/tracehound/docs/runbook.md#")
        assert (linked != written) == (name == "alerts")
        assert one["spec"] == yaml.safe_load(linked)


def test_metrics_have_the_jobs_that_dashboards_and_alerts_ask_for() -> None:
    scraped = yaml.safe_load((PROJECT / "infra/prometheus/prometheus.yml").read_text())["scrape_configs"]
    jobs = {
        one["spec"]["podMetricsEndpoints"][0]["relabelings"][0]["replacement"]
        for one in of_kind(rendered(CHART, [PRODUCTION]), "PodMonitor").values()
    }
    assert {one["job_name"] for one in scraped} - {"prometheus"} <= jobs


def test_only_the_gateway_the_console_and_metrics_are_reached() -> None:
    policies = of_kind(rendered(CHART, [SMALL]), "NetworkPolicy")
    assert policies.keys() == {"topics", "worker", "intake", "incidents"}
    assert policies["topics"]["spec"]["ingress"] == []
    (metrics,) = policies["worker"]["spec"]["ingress"]
    assert metrics["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    of_production = of_kind(rendered(CHART, [PRODUCTION]), "NetworkPolicy")
    assert {"port": 5432} in [port for rule in of_production["console"]["spec"]["egress"] for port in rule["ports"]]
    assert {"port": 443} not in [port for rule in of_production["worker"]["spec"]["egress"] for port in rule["ports"]]


@pytest.mark.parametrize(
    ("values", "settings", "sentence"),
    [
        ([], {}, "image.repository: say where"),
        ([SMALL], {"kafka.bootstrapServers": ""}, "kafka.bootstrapServers: say where"),
        ([SMALL], {"kafka.securityProtocol": "SASL_SSL"}, "kafka.secrets."),
        ([TOKENS], {"kafka.oauth.tokenUrl": ""}, "kafka.oauth.tokenUrl: with OAUTHBEARER"),
        ([SMALL], {"scaling.enabled": "true", "scaling.maxReplicas": "13"}, "13 is more than the 12 partitions"),
        ([SMALL], {"scaling.enabled": "true", "scaling.minReplicas": "13"}, "scaling.minReplicas: 13 is more"),
        ([SMALL], {"processes.console.enabled": "true", "processes.console.replicas": "2"}, "the file of SQLite"),
        ([SMALL], {"processes.workers.enabled": "true"}, "workers"),
        ([SMALL], {"image.digest": "latest"}, "digest"),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(values: list[Path], settings: dict[str, str], sentence: str) -> None:
    with pytest.raises(ChartError, match=sentence.replace(".", r"\.")):
        rendered(CHART, values, settings)

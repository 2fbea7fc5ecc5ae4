import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from tests.checkout import PROJECT
from tests.conftest import COULD_NOT_RUN
from tests.streams.gateway.conftest import FakeSender
from tracehound.infra.kafka.cluster import Address, wait_for_members
from tracehound.infra.kafka.jars import kafka_version
from tracehound.infra.kafka.node import Node
from tracehound.infra.kafka.ports import free_ports
from tracehound.infra.kafka.topics import check_topics
from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.topics import Topics
from tracehound.scripts.cli import COMMANDS
from tracehound.streams.gateway.app import build_gateway
from tracehound.streams.settings.console import ConsoleSettings
from tracehound.streams.settings.gateway import GatewaySettings
from tracehound.streams.settings.incident_worker import IncidentWorkerSettings
from tracehound.streams.settings.intake import IntakeSettings
from tracehound.streams.settings.notify import NotifySettings
from tracehound.streams.settings.settings import Settings, load_settings

BROKERS = ("kafka-1", "kafka-2", "kafka-3")
WORKERS = ("worker", "intake", "incidents", "notify")
OURS = ("topics", *WORKERS, "gateway", "first-key", "console")
ELK = ("elasticsearch", "elk-prepare", "logstash", "filebeat", "kibana")
ROUTES = """
[notify.receivers.alerts]
kind = "alertmanager"
url = "http://127.0.0.1:9093"

[[notify.routes]]
receivers = ["alerts"]
"""


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
    return found


@pytest.fixture(scope="module")
def prometheus() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((PROJECT / "infra/prometheus/prometheus.yml").read_text())
    return found


def variables_of_settings() -> set[str]:
    names = {f"TRACEHOUND_{name.upper()}" for name in Settings.model_fields}
    sections: dict[str, type[BaseModel]] = {
        "INTAKE": IntakeSettings,
        "INCIDENT_WORKER": IncidentWorkerSettings,
        "NOTIFY": NotifySettings,
        "GATEWAY": GatewaySettings,
        "CONSOLE": ConsoleSettings,
    }
    for section, settings in sections.items():
        names |= {f"TRACEHOUND_{section}__{name.upper()}" for name in settings.model_fields}
    return names | {"KAFKA_BOOTSTRAP_SERVERS", "TRACEHOUND_CONFIG"}


def listeners(text: str) -> dict[str, str]:
    """Name to address, of Kafka's notation ``NAME://address,…``."""
    return dict(part.split("://") for part in text.split(","))


def test_services_are_those_promised(services: dict[str, Any]) -> None:
    assert set(services) == {*BROKERS, *OURS, "prometheus", "grafana", *ELK}


def test_images_are_pinned(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?", service["image"]), (
            f"{name}: {service['image']}"
        )
    assert {services[name]["image"].partition("@")[0] for name in BROKERS} == {f"apache/kafka:{kafka_version()}"}


def test_ports_are_published_on_the_loopback_address_only(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert len(published) == len(BROKERS) + len(services["gateway"]["ports"]) + len(
        ("console", "prometheus", "grafana", "kibana")
    )
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in published)


def test_every_lasting_service_has_a_health_check_and_comes_back(services: dict[str, Any]) -> None:
    for name in services.keys() - {"topics", "first-key", "elk-prepare"}:
        assert services[name]["healthcheck"]["test"][0] == "CMD", name
        assert services[name]["restart"] in {"always", "unless-stopped"}, name


def test_every_variable_is_a_setting(services: dict[str, Any]) -> None:
    for name in OURS:
        assert services[name]["environment"].keys() <= variables_of_settings(), name


def test_settings_accept_the_values(services: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in services["worker"]["environment"].items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.replication_factor == len(BROKERS)
    assert settings.bootstrap_servers == ",".join(f"{broker}:9092" for broker in BROKERS)
    ports = (
        *(("worker", settings.http_port), ("intake", settings.intake.http_port)),
        *(("incidents", settings.incident_worker.http_port), ("notify", settings.notify.http_port)),
    )
    for name, port in ports:
        assert services[name]["expose"] == [str(port)]
        assert f":{port}/livez" in services[name]["healthcheck"]["test"][-1]


def test_only_what_needs_a_file_of_the_users_or_much_memory_waits_to_be_asked_for(services: dict[str, Any]) -> None:
    asked_for = [name for name, service in services.items() if "profiles" in service]
    assert asked_for == ["notify", "gateway", *ELK]
    for service in (services[name] for name in asked_for[:2]):
        mounted, *_ = service["volumes"]
        assert mounted.split(":")[1:] == [service["environment"]["TRACEHOUND_CONFIG"], "ro"]


def test_the_gateway_listens_where_it_is_published_and_wants_keys(
    services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in services["gateway"]["environment"].items():
        if name != "TRACEHOUND_CONFIG":
            monkeypatch.setenv(name, value)
    settings = load_settings()
    wanted = [f"127.0.0.1:{port}:{port}" for port in (settings.gateway.port, settings.gateway.grpc_port)]
    assert services["gateway"]["ports"] == wanted
    assert f":{settings.gateway.port}/livez" in services["gateway"]["healthcheck"]["test"][-1]
    with pytest.raises(ConfigurationError, match=r"gateway\.keys"):
        build_gateway(settings, FakeSender())


def test_commands_exist(services: dict[str, Any]) -> None:
    for name in OURS:
        program, command, *options = services[name]["command"]
        assert program == "tracehound"
        assert options == (["--first-key"] if name == "first-key" else [])
        assert command in COMMANDS


def test_workers_can_be_scaled_and_come_after_the_topics(services: dict[str, Any]) -> None:
    for worker in (services[name] for name in WORKERS):
        assert not {"ports", "container_name", "hostname"} & worker.keys()
        assert worker["depends_on"] == {"topics": {"condition": "service_completed_successfully"}}
    assert services["topics"]["depends_on"] == {name: {"condition": "service_healthy"} for name in BROKERS}


def test_brokers_make_one_cluster(services: dict[str, Any]) -> None:
    environments = [services[name]["environment"] for name in BROKERS]
    assert [environment["KAFKA_NODE_ID"] for environment in environments] == ["1", "2", "3"]
    assert len({environment["CLUSTER_ID"] for environment in environments}) == 1
    voters = ",".join(f"{number}@{name}:9093" for number, name in enumerate(BROKERS, 1))
    assert {environment["KAFKA_CONTROLLER_QUORUM_VOTERS"] for environment in environments} == {voters}
    for name, environment in zip(BROKERS, environments, strict=True):
        inside = listeners(environment["KAFKA_LISTENERS"])
        advertised = listeners(environment["KAFKA_ADVERTISED_LISTENERS"])
        (port,) = services[name]["ports"]
        assert port == f"{advertised['HOST']}{inside['HOST']}"
        assert advertised["INTERNAL"] == f"{name}{inside['INTERNAL']}"


@pytest.mark.parametrize(
    ("job_name", "service"), [("tracehound", "worker"), *((f"tracehound-{name}", name) for name in WORKERS[1:])]
)
def test_prometheus_asks_every_worker(
    prometheus: dict[str, Any], services: dict[str, Any], job_name: str, service: str
) -> None:
    (job,) = [job for job in prometheus["scrape_configs"] if job["job_name"] == job_name]
    (discovery,) = job["dns_sd_configs"]
    assert discovery["names"] == [service]
    assert discovery["type"] == "A"
    assert [str(discovery["port"])] == services[service]["expose"]
    mounted = services["prometheus"]["volumes"][0].split(":")
    assert (PROJECT / mounted[0] / "prometheus.yml").is_file()
    assert f"--config.file={mounted[1]}/prometheus.yml" in services["prometheus"]["command"]


def test_prometheus_itself_accepts_its_configuration(real_program: Callable[..., str]) -> None:
    check = [real_program("promtool"), "check", "config", "infra/prometheus/prometheus.yml"]
    run = subprocess.run(check, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_file_is_what_the_specification_of_compose_allows() -> None:
    """By the schema that its checker brings along."""
    file = str(PROJECT / "docker-compose.yml")
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", file]
    run = subprocess.run(check, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_compose_itself_accepts_the_file_where_it_is_installed() -> None:
    """No package registry has Docker's own plugin: the tests above judge the file everywhere."""
    if not shutil.which("docker") or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        pytest.skip(f"{COULD_NOT_RUN}: docker compose: it is not installed")
    check = ["docker", "compose", "config", "--quiet"]
    run = subprocess.run(check, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_containers_write_nothing_but_kernels_and_what_is_temporary_and_are_bounded(services: dict[str, Any]) -> None:
    own = [service for service in services.values() if service["image"].startswith("tracehound")]
    assert len(own) >= 4
    for service in own:
        assert service["read_only"]
        assert {"kernels:/home/tracehound/kernels", "/tmp"} <= set(service["volumes"])
        assert service["mem_limit"]
        assert service["pids_limit"] <= 1_000


def properties(service: dict[str, Any], addresses: dict[str, str], data: Path) -> dict[str, str]:
    """A broker's settings as its image derives them from the environment, at addresses of this machine."""
    found = {}
    for variable, value in service["environment"].items():
        if variable.startswith("KAFKA_") and variable != "KAFKA_HEAP_OPTS":
            for there, here in addresses.items():
                value = re.sub(rf"(?<![\w.]){re.escape(there)}\b", here, value)
            found[variable.removeprefix("KAFKA_").lower().replace("_", ".")] = value
    return found | {"log.dirs": str(data)}


@pytest.fixture(scope="module")
def brokers(
    services: dict[str, Any], broker_program: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The brokers of the file with their own settings, as processes here; yields their bootstrap servers."""
    data = tmp_path_factory.mktemp("brokers")
    java, jars = broker_program
    ports = free_ports(9)
    everyone = {
        f"{name}:{port}": f"127.0.0.1:{ports[3 * number + offset]}"
        for number, name in enumerate(BROKERS)
        for offset, port in enumerate((9092, 9093))
    }
    nodes, addresses = [], []
    for number, name in enumerate(BROKERS):
        client, controller, host = ports[3 * number : 3 * number + 3]
        (published,) = services[name]["ports"]
        own = {
            f"INTERNAL://:{9092}": f"INTERNAL://127.0.0.1:{client}",
            f"CONTROLLER://:{9093}": f"CONTROLLER://127.0.0.1:{controller}",
            f"HOST://:{19092}": f"HOST://127.0.0.1:{host}",
            f"HOST://{published.rsplit(':', 1)[0]}": f"HOST://127.0.0.1:{host}",
        }
        folder = data / name
        nodes.append(Node(java, jars, folder, properties(services[name], own | everyone, folder / "data")))
        addresses.append(Address(number + 1, client, controller))
    try:
        for name, node in zip(BROKERS, nodes, strict=True):
            node.format(services[name]["environment"]["CLUSTER_ID"])
            node.start()
        wait_for_members(addresses, 120, lambda: next((node.log_tail() for node in nodes if not node.running), None))
        yield ",".join(f"127.0.0.1:{address.client_port}" for address in addresses)
    finally:
        for node in nodes:
            node.kill()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.mark.parametrize(
    ("service", "port_variable"),
    [
        ("worker", "TRACEHOUND_HTTP_PORT"),
        ("intake", "TRACEHOUND_INTAKE__HTTP_PORT"),
        ("incidents", "TRACEHOUND_INCIDENT_WORKER__HTTP_PORT"),
        ("notify", "TRACEHOUND_NOTIFY__HTTP_PORT"),
    ],
)
def test_topics_and_workers_start_on_the_brokers_by_the_same_commands_and_settings(
    services: dict[str, Any],
    brokers: str,
    tmp_path: Path,
    eventually: Callable[[Callable[[], bool], float], bool],
    service: str,
    port_variable: str,
) -> None:
    """What the file starts, started here: only the addresses differ, and Prometheus is left out."""
    (port,) = free_ports(1)
    here = {
        "KAFKA_BOOTSTRAP_SERVERS": brokers,
        "TRACEHOUND_HTTP_HOST": "127.0.0.1",
        port_variable: str(port),
    }
    configuration = tmp_path / "tracehound.toml"
    configuration.write_text(ROUTES)
    here |= {"TRACEHOUND_CONFIG": str(configuration)} if "TRACEHOUND_CONFIG" in services[service]["environment"] else {}
    environment = {**os.environ, **services[service]["environment"], **here}
    program = [sys.executable, "-m", "tracehound.scripts.cli"]
    create = [*program, *services["topics"]["command"][1:]]
    said = subprocess.run(create, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert check_topics(brokers, Topics()) == []

    log_file = tmp_path / "worker.log"
    with log_file.open("wb") as log:
        worker = subprocess.Popen(
            [*program, *services[service]["command"][1:]], cwd=PROJECT, env=environment, stdout=log, stderr=log
        )
    try:
        assert eventually(lambda: answers(f"http://127.0.0.1:{port}/readyz"), 300), log_file.read_text()
        assert answers(f"http://127.0.0.1:{port}/livez")
        assert answers(f"http://127.0.0.1:{port}/metrics")
        worker.terminate()
        assert worker.wait(120) == 0, log_file.read_text()
    finally:
        worker.kill()
        worker.wait()

"""The command `init` on brokers as people have them: full, empty, hidden, away."""

import json
import os
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer

from tests.streams.gateway.conftest import traces
from tracehound.infra.kafka.broker import Broker, broker
from tracehound.infra.kafka.embedded_process import EmbeddedBrokerProcess
from tracehound.infra.kafka.ports import free_ports
from tracehound.scripts.cli import main

ONE = {"application": "shop", "operation": "GET /cart", "started_at": time.time(), "duration_ms": 120.5}
OTHER = {"svc": "shop", "path": "/cart", "ts": int(time.time() * 1000), "took_s": 0.5}
_FETCH, _REFUSED = 1, 29


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("TRACEHOUND_", "KAFKA_")):
            monkeypatch.delenv(name)


def made(on: Broker, values: dict[str, Sequence[bytes]]) -> None:
    assert isinstance(on.cluster, EmbeddedBrokerProcess)
    producer = Producer(on.client_config)
    for topic, records in values.items():
        on.cluster.create_topic(topic, 2)
        for value in records:
            producer.produce(topic, value, partition=1)
    assert producer.flush(120) == 0


def init(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(main, ["init", *arguments], input=given)


def looked(on: Broker, file: Path, prefix: str, *topics: str, given: str | None = None) -> Result:
    named = [part for topic in topics for part in ("--topic", prefix + topic)]
    asks = [] if given is not None else ["--yes"]
    return init("--broker", on.bootstrap_servers, "--output", str(file), *asks, *named, given=given)


def test_it_says_what_topics_hold_and_writes_settings_that_read_it(
    embedded_kafka: Broker, prefix: str, tmp_path: Path
) -> None:
    made(
        embedded_kafka,
        {
            prefix + "executions.v1": [json.dumps(ONE).encode()] * 3,
            prefix + "otel": [traces(2).SerializeToString()] * 3,
            prefix + "web": [json.dumps(OTHER).encode()] * 30,
            prefix + "binary": [b"\x00\xff\xfe"],
            prefix + "empty": [],
        },
    )
    file = tmp_path / "tracehound.toml"
    told = looked(embedded_kafka, file, prefix, "executions.v1", "otel", "web", "binary", "empty")

    assert told.exit_code == 0, told.output
    for topic, what in (
        ("executions.v1", "executions (3 of the newest 3 records read, 3 held)"),
        ("otel", "spans: OTLP Protobuf (3 of the newest 3 records read, 3 held)"),
        ("web", "JSON of its own (20 of the newest 20 records read, 30 held)"),
        ("binary", "3 bytes that begin with 00 ff fe"),
        ("empty", "holds nothing"),
    ):
        assert f"{prefix}{topic}: {what}" in told.output
    assert tomllib.loads(file.read_text()) == {
        "bootstrap_servers": embedded_kafka.bootstrap_servers,
        "topic_prefix": prefix,
        "execution_fields": "application=svc, operation=path, started_at=ts:ms, duration_ms=took_s:s",
        "intake": {"execution_topics": prefix + "web", "otlp_topics": prefix + "otel"},
    }


def test_of_thousands_the_fullest_are_read_and_nothing_that_tracehound_writes_itself(tmp_path: Path) -> None:
    values: dict[str, Sequence[bytes]] = {f"a{number:04}": [] for number in range(400)}
    values |= {"acme.executions.v1": [], "acme.anomalies.v1": [json.dumps(OTHER).encode()]}
    values |= {"z": [json.dumps(ONE).encode()] * 50}
    with broker("embedded") as own:
        made(own, values)
        told = init("--yes", "--broker", own.bootstrap_servers, "--output", str(tmp_path / "new.toml"))
    assert told.exit_code == 0, told.output
    assert "z: executions (20 of the newest 20 records read, 50 held)" in told.output
    assert "202 more topics were not read" in told.output
    assert "anomalies" not in told.output
    assert len(told.output.splitlines()) < 50


def test_a_file_that_is_there_stays_unless_it_is_said(embedded_kafka: Broker, prefix: str, tmp_path: Path) -> None:
    made(embedded_kafka, {prefix + "executions.v1": [json.dumps(ONE).encode()]})
    file = tmp_path / "tracehound.toml"
    file.write_text("mine")
    for given, sentence in (
        (None, "stays as it is: --force"),
        ("n\n", "stays as it is"),
        ("y\nn\n", "nothing is writ"),
    ):
        told = looked(embedded_kafka, file, prefix, "executions.v1", given=given)
        assert (told.exit_code, file.read_text()) == (2, "mine")
        assert sentence in told.output
    told = looked(embedded_kafka, file, prefix, "executions.v1", given="y\ny\nn\n")
    assert (told.exit_code, file.read_text()) == (0, "mine")
    assert "Nothing was written." in told.output
    assert looked(embedded_kafka, file, prefix, "executions.v1", given="y\ny\ny\n").exit_code == 0
    assert tomllib.loads(file.read_text())["topic_prefix"] == prefix


def test_topics_that_may_not_be_read_or_are_not_there_are_told(
    embedded_kafka: Broker, prefix: str, tmp_path: Path
) -> None:
    made(embedded_kafka, {prefix + "secret": [json.dumps(ONE).encode()]})
    file = tmp_path / "new.toml"
    assert isinstance(embedded_kafka.cluster, EmbeddedBrokerProcess)
    embedded_kafka.cluster.fail_requests(_FETCH, [_REFUSED] * 50)
    try:
        refused = looked(embedded_kafka, file, prefix, "secret")
    finally:
        embedded_kafka.cluster.clear_failures(_FETCH)
    assert (refused.exit_code, file.exists()) == (2, False)
    assert f"{prefix}secret: cannot be read: this user may not read it" in refused.output
    assert "TopicAuthorizationFailedError" in refused.output
    missing = looked(embedded_kafka, file, prefix, "secret", "missing")
    assert (missing.exit_code, file.exists()) == (2, False)
    assert f"The topic {prefix}missing does not exist" in missing.output
    assert "hidden from this user" in missing.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--broker", "127.0.0.1:1"], "No Kafka broker answers at 127.0.0.1:1"),
        (["--broker", ""], "'bootstrap_servers'"),
    ],
)
def test_a_broker_that_is_away_is_told(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "new.toml"
    told = init("--yes", "--output", str(file), *arguments)
    assert (told.exit_code, file.exists()) == (2, False)
    assert sentence in told.output


def test_without_a_broker_there_is_a_port(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    for name, arguments, given in (
        ("asked.toml", (), f"{port}\ny\n"),
        ("told.toml", ("--yes", "--http", str(port)), None),
    ):
        told = init("--output", str(tmp_path / name), *arguments, given=given)
        assert told.exit_code == 0, told.output
        assert f"http://127.0.0.1:{port}/v1/executions" in told.output
        assert tomllib.loads((tmp_path / name).read_text()) == {"gateway": {"port": port}}
    assert "from 1 to 65535" in init("--output", str(tmp_path / "no.toml"), given="99999\n").output

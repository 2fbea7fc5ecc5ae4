"""From `POST /log` to a scored log event that the API finds again: all as processes on a broker, intake killed once."""

import json
import signal
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from confluent_kafka import Message
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from tests.end_to_end.conftest import Field, Gateway, wait_until_within
from tracehound.console.keys.queries import add_key
from tracehound.console.store.engine import Store
from tracehound.infra.kafka.ports import free_ports
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.log_rules import decode_log_record
from tracehound.streams.http.keys import new_key

INTAKE = (
    "from tracehound.streams.intake.app import build_intake;"
    "from tracehound.streams.settings.settings import load_settings;"
    "from tracehound.streams.worker.worker import run_worker;"
    "raise SystemExit(run_worker(load_settings(), build_intake))"
)
EXAMPLE = {"message": "CPU spike detected", "level": "warning"}
CONSOLE = "from tracehound.scripts.cli import main; main(['console'])"
wait_until = partial(wait_until_within, timeout_s=180.0)


def scored(messages: list[Message]) -> dict[str, dict[str, Any]]:
    """The scored log events by id."""
    return {event["id"]: event["data"] for event in (json.loads(message.value()) for message in messages)}


class Console:
    """`tracehound console` on a database of its own, and a viewer's key."""

    def __init__(self, field: Field, worker: Callable[..., Any], folder: Path) -> None:
        (port,) = free_ports(1)
        store, key = Store(f"sqlite:///{folder}/tracehound.db"), new_key()
        store.migrate()
        with store.write() as connection:
            add_key(connection, key, "viewer", "test", "test", 0, None)
        store.close()
        self._url, self._key = f"http://127.0.0.1:{port}/api/v1", key.key
        settings = {
            "TRACEHOUND_CONSOLE__DATABASE_URL": f"sqlite:///{folder}/tracehound.db",
            "TRACEHOUND_CONSOLE__GROUP_ID": field.topics.prefix + "console",
            "TRACEHOUND_CONSOLE__PORT": str(port),
        }
        self.process = worker({**field.environment, **settings}, code=CONSOLE)

    def found(self, path: str, **query: str) -> list[dict[str, Any]]:
        """The items of an answer; none while it does not listen yet."""
        asked = urllib.request.Request(
            f"{self._url}{path}?{urllib.parse.urlencode(query)}", headers={"X-API-Key": self._key}
        )
        try:
            with urllib.request.urlopen(asked, timeout=120) as answer:
                items: list[dict[str, Any]] = json.load(answer)["items"]
                return items
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error
        except OSError:
            return []


def test_log_events_are_kept_scored_given_a_severity_and_found_again_whatever_is_killed(
    field: Field, gateway: Callable[..., Gateway], worker: Callable[..., Any], tmp_path: Path
) -> None:
    topics = field.topics
    of_intake = {
        **field.environment,
        "TRACEHOUND_INTAKE__OTLP_TOPICS": topics.otlp[0].name,
        "TRACEHOUND_INTAKE__GROUP_ID": topics.prefix + "intake",
        "TRACEHOUND_INTAKE__CHECKPOINT_INTERVAL_S": "0.5",
    }
    door, scoring, intake = gateway(field), worker(field.environment), worker(of_intake, code=INTAKE)
    console = Console(field, worker, tmp_path)
    wait_until(door.ready, "the gateway is ready")

    status, _, answer = door.request("POST", "/log", json.dumps(EXAMPLE).encode())
    (identifier,) = json.loads(answer)["ids"]
    assert status == 200
    (event,) = scored(field.read(topics.scored_logs.name, lambda found: len(found) >= 1, 120.0)).values()
    assert (event["id"], event["application"], event["message"]) == (identifier, "system", "CPU spike detected")
    assert (event["level"], event["severity"], event["template"]) == ("warning", "minor", "CPU spike detected")
    (kept,) = field.read(topics.log_events.name, lambda found: len(found) >= 1)
    assert (kept.key(), decode_log_record(kept.value(), Limits(), 2e9).events[0].id) == (b"system", identifier)

    asked = {"application": "system", "level": "warning", "severity": "minor", "words": "spike cpu", "since": "1h"}
    wait_until(lambda: bool(console.found("/logs", **asked)), "the API finds it")
    (again,) = console.found("/logs", **asked)
    assert (again["id"], again["data"]) == (identifier, event)
    (template,) = console.found("/logs/templates", application="system")
    assert (template["template"], template["count"], template["new"]) == ("CPU spike detected", 1, True)

    ids = {identifier}
    for number in range(40):
        if number == 20:
            intake.end(signal.SIGKILL)
            intake = worker(of_intake, code=INTAKE)
        some = [
            {"message": f"order {number} of user {n} was paid", "level": "info", "application": f"shop-{n}"}
            for n in range(5)
        ]
        ids.update(json.loads(door.request("POST", "/v1/log", json.dumps(some).encode())[2])["ids"])
    assert len(ids) == 201

    found = scored(field.read(topics.scored_logs.name, lambda found: ids <= scored(found).keys(), 120.0))
    assert found.keys() == ids
    assert Counter(each["application"] for each in found.values()) == {f"shop-{n}": 40 for n in range(5)} | {
        "system": 1
    }
    wait_until(lambda: scoring.counted("executions_total") >= 201, "all are learned")
    assert scoring.counted("executions_total") == 201

    provider = LoggerProvider(resource=Resource({"service.name": "till"}))
    provider.add_log_record_processor(
        SimpleLogRecordProcessor(OTLPLogExporter(endpoint=f"http://{door.address}/v1/logs"))
    )
    record = LogRecord(timestamp=time.time_ns(), severity_number=SeverityNumber.ERROR, body="no paper for receipt 7")
    provider.get_logger("till").emit(record)
    provider.shutdown()
    wait_until(lambda: scoring.counted("executions_total") == 202, "the SDK's is learned")
    everything = scored(field.read(topics.scored_logs.name, lambda found: len(scored(found)) >= 202)).values()
    (last,) = [each for each in everything if each["application"] == "till"]
    assert (last["template"], last["severity"]) == ("no paper for receipt <num>", "major")
    wait_until(lambda: len(console.found("/logs", limit="1000")) == 202, "the API tells all")
    assert [process.end() for process in (door.process, intake, scoring, console.process)] == [0, 0, 0, 0]
    assert not any(process.said("record_refused") for process in (intake, scoring))

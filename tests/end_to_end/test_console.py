"""A worker and the console as people start them: an anomaly comes with its execution, and a usual one beside it."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.end_to_end.conftest import Field, WorkerProcess, wait_until_within
from tests.end_to_end.moments import ago
from tracehound.console.keys.queries import add_key
from tracehound.console.store.engine import Store
from tracehound.infra.kafka.broker import Broker
from tracehound.infra.kafka.ports import free_ports
from tracehound.schemas.topics import Topics
from tracehound.streams.http.keys import NewKey, new_key

RUN = "from tracehound.scripts.cli import main; main(['console'])"
COUNT = 400
PATIENCE_S = 150.0


def execution(number: int, call_ms: float = 8.0) -> bytes:
    """A second after each other, long ago; most of it is a call."""
    call = {"kind": "http", "name": "GET /stock", "peer": "stock", "offset_ms": 2.0, "duration_ms": call_ms}
    one = {
        **{"application": "shop", "operation": "GET /cart", "started_at": START_S + number, "trace_id": f"t{number}"},
        **{"duration_ms": call_ms + 5.0 + number % 7, "segments": [call | {"remote_ms": 5.0}]},
    }
    return json.dumps(one).encode()


START_S = ago(10_000)


class Api:
    """The console's API, asked with a key."""

    def __init__(self, port: int, key: NewKey) -> None:
        self._url, self._headers = f"http://127.0.0.1:{port}/api/v1", {"authorization": f"Bearer {key.key}"}

    def get(self, path: str, **query: Any) -> Any:
        """What it answers; None where it answers nothing, or that there is none."""
        request = urllib.request.Request(f"{self._url}{path}?{urlencode(query, doseq=True)}", headers=self._headers)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 404:
                    raise
            return None
        except OSError:
            return None


@pytest.fixture
def started(embedded_kafka: Broker, prefix: str) -> Field:
    topics = Topics(prefix, 2, (prefix + "otlp_spans",))
    embedded_kafka.create_topics(topics)
    return Field(embedded_kafka, topics)


@pytest.fixture
def api(started: Field, worker: Callable[..., WorkerProcess], tmp_path: Path) -> Iterator[Api]:
    store, key, [port] = Store(f"sqlite:///{tmp_path}/tracehound.db"), new_key(), free_ports(1)
    store.migrate()
    with store.write() as connection:
        add_key(connection, key, "viewer", "test", "test", 0, None)
    given = {
        "TRACEHOUND_CONSOLE__DATABASE_URL": f"sqlite:///{store.path}",
        "TRACEHOUND_CONSOLE__PORT": str(port),
        "TRACEHOUND_CONSOLE__GROUP_ID": f"{started.topics.prefix}console",
        "TRACEHOUND_KEPT_EXECUTIONS__GROUP_ID": f"{started.topics.prefix}kept",
    }
    worker(started.environment)
    worker({**started.environment, **given}, code=RUN)
    yield Api(port, key)
    store.close()


def test_an_anomaly_is_told_with_its_execution_and_a_usual_one(started: Field, api: Api) -> None:
    started.send([(b"shop", execution(number)) for number in range(COUNT)])
    of_cart = {"application": "shop", "operation": "GET /cart"}

    def kept() -> int:
        told = api.get("/operations/distribution", **of_cart)
        return 0 if told is None else int(told["executions"])

    wait_until_within(lambda: kept() == COUNT, "all are kept", PATIENCE_S)
    started.send([(b"shop", execution(COUNT, call_ms=4_000.0))])

    def found() -> Any:
        return (api.get("/exemplars", trace_id=f"t{COUNT}") or {"items": []})["items"]

    wait_until_within(lambda: bool(found()), "the slow one is kept as a whole", PATIENCE_S)
    [named] = found()[:1]
    assert (api.get(f"/anomalies/{named['anomaly_id']}") or {})["data"]["exemplar_trace_ids"] == [f"t{COUNT}"]
    exemplar = api.get(f"/exemplars/{named['anomaly_id']}")
    [bar] = exemplar["execution"]["bars"]
    assert (bar["name"], bar["duration_ms"], bar["call_gap_ms"], bar["usual_ms"]) == ("GET /stock", 4_000, 3_995, 8)
    assert exemplar["usual"]["duration_ms"] == 16.0
    told = api.get("/operations/distribution", **of_cart, p=[1.0])
    assert (told["executions"], told["high"]) == (COUNT + 1, 4_000.0 + 5.0 + COUNT % 7)

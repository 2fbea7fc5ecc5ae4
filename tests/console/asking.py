"""Requests to a console without a server."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.testclient import TestClient

from tracehound.console.app import build_console
from tracehound.console.demo_data.feeding import Simulate
from tracehound.console.keys.queries import add_key
from tracehound.console.status.cluster import ClusterTold
from tracehound.console.status.page import Cluster
from tracehound.console.store.engine import Store
from tracehound.console.web.roles import ROLES, Role
from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.score import ScoreAnswer
from tracehound.streams.http.keys import NewKey, new_key
from tracehound.streams.http.sending import Record
from tracehound.streams.scoring.predictions.asking import UnansweredError
from tracehound.streams.scoring.tuning.recorded import Recorded
from tracehound.streams.settings.console import ConsoleSettings
from tracehound.streams.settings.gateway import GatewaySettings
from tracehound.streams.settings.notify import NotifySettings
from tracehound.streams.settings.settings import Settings

NOW_S = 1_767_225_600.0


@dataclass
class FakeSender:
    """Keeps records, or fails as told."""

    records: list[Record] = field(default_factory=list)
    failure: Exception | None = None

    async def send(self, records: Sequence[Record]) -> None:
        if self.failure is not None:
            raise self.failure
        self.records += records


class FakePredictions:
    """Answers as told; nobody does at first."""

    def __init__(self) -> None:
        self.asked: list[tuple[ApplicationKey, bytes, float]] = []
        self.answer: ScoreAnswer | TracehoundError = UnansweredError("No worker answered.")

    def ask(self, key: ApplicationKey, executions: bytes, timeout_s: float) -> "Future[ScoreAnswer]":
        self.asked.append((key, executions, timeout_s))
        future: Future[ScoreAnswer] = Future()
        if isinstance(self.answer, TracehoundError):
            future.set_exception(self.answer)
        else:
            future.set_result(self.answer)
        return future


@dataclass
class FakeRecordings:
    """Says what it is told to say that Kafka has."""

    found: Recorded | TracehoundError = field(default_factory=lambda: Recorded(2, 100, 900, 7))

    def of(self, application: str) -> Recorded:
        if isinstance(self.found, TracehoundError):
            raise self.found
        return self.found


@dataclass
class Asking:
    """A console, a key for each role, and what it sent to Kafka."""

    client: TestClient
    store: Store
    sender: FakeSender
    keys: Mapping[Role, NewKey]
    now_s: list[float]
    predictions: FakePredictions
    recordings: FakeRecordings

    def ask(self, method: str, path: str, role: Role | None = "admin", **request: Any) -> Any:
        """What is answered to somebody of this role (None: without a key); ``path`` is below ``/api/v1``."""
        headers = {} if role is None else {"authorization": f"Bearer {self.keys[role].key}"}
        return self.client.request(method, f"/api/v1{path}", headers=headers | request.pop("headers", {}), **request)

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of what is answered to a viewer; it must be there."""
        answer = self.ask("GET", path, "viewer", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def page(self, path: str, role: Role = "viewer", status: int = 200) -> str:
        """The HTML that somebody of this role is shown; ``path`` is below ``/ui``."""
        answer = self.client.get(f"/ui{path}", headers={"authorization": f"Bearer {self.keys[role].key}"})
        assert answer.status_code == status, answer.text
        return str(answer.text)


class FakeCluster:
    """Kafka, which has said that, or nothing yet."""

    def __init__(self, told: ClusterTold | None = None) -> None:
        self.told = told

    def look(self) -> ClusterTold | None:
        """What it said."""
        return self.told


@contextmanager
def asking(
    store: Store,
    notify: NotifySettings | None = None,
    trouble: Callable[[], str] = lambda: "",
    cluster: Cluster | None = None,
    simulate: Simulate | None = None,
    gateway: GatewaySettings | None = None,
    **settings: Any,
) -> Iterator[Asking]:
    """A console on ``store``; settings of its own part are given by name."""
    made = {role: new_key() for role in ROLES}
    with store.write() as connection:
        for role, key in made.items():
            add_key(connection, key, role, role, "test", 0, None)
    sender, now_s, predictions, recordings = FakeSender(), [NOW_S], FakePredictions(), FakeRecordings()
    own, parts = ConsoleSettings(**settings), (notify or NotifySettings(), gateway or GatewaySettings())
    given = Settings(console=own, notify=parts[0], gateway=parts[1])
    fakes: dict[str, Any] = {"recordings": recordings, "trouble": trouble, "cluster": cluster or FakeCluster()}
    fakes["simulate"] = simulate
    app = build_console(given, store, sender, lambda: now_s[0], predictions, **fakes)
    with TestClient(app, "http://127.0.0.1:8420", raise_server_exceptions=False) as client:
        yield Asking(client, store, sender, made, now_s, predictions, recordings)

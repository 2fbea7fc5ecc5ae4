"""What endpoints are given: the store, the settings, and what all of them share."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends
from starlette.requests import Request

from tracehound.console.store.engine import Store
from tracehound.console.web.cursors import Cursors
from tracehound.console.web.entry import Entry
from tracehound.console.web.sessions import Sessions
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.score import ScoreAnswer
from tracehound.streams.http.sending import Sender
from tracehound.streams.scoring.tuning.recorded import Recordings
from tracehound.streams.settings.settings import Settings


class KeyBook(Protocol):
    """Keys that are kept in memory for a while."""

    def forget(self, prefix: str) -> None:
        """A key has changed."""
        ...


class Demo(Protocol):
    """Sends the demo's data; see ``DemoData``."""

    @property
    def available(self) -> bool:
        """Whether there is any."""
        ...

    def told(self) -> str:
        """How it goes, in a sentence; empty where nobody has asked for it."""
        ...

    def start(self, by: str) -> None:
        """Begin.

        Raises:
            RequestRefusedError: it is under way, or there is none (409).
        """
        ...


class Predictions(Protocol):
    """Has workers judge executions; see ``PredictionClient``."""

    def ask(self, key: ApplicationKey, executions: bytes, timeout_s: float) -> "Future[ScoreAnswer]":
        """What the worker says that owns the application."""
        ...


@dataclass(frozen=True, slots=True)
class Console:
    """What endpoints are given.

    Parameters:
        store: what was told.
        settings: everything that is set.
        sender: sends records to Kafka.
        keys: who may ask, as far as that is in memory.
        cursors, sessions, entry: see there.
        clock: epoch seconds.
        predictions: has workers judge executions.
        recordings: knows which executions Kafka has.
        trouble: why nothing new can be stored now; empty where it can.
        demo: sends the demo's data.
    """

    store: Store
    settings: Settings
    sender: Sender
    keys: KeyBook
    cursors: Cursors
    sessions: Sessions
    entry: Entry
    clock: Callable[[], float]
    predictions: Predictions
    recordings: Recordings
    trouble: Callable[[], str]
    demo: Demo


async def the_console(request: Request) -> Console:
    """The console that a request came to."""
    console: Console = request.app.state.console
    return console


TheConsole = Annotated[Console, Depends(the_console)]

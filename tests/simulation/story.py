"""One story from beginning to end, as its seed wants it."""

import asyncio
import random
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from tests.broken_protocols import broken
from tests.simulation import faults
from tests.simulation.plays.incidents import IncidentsPlay
from tests.simulation.plays.intake import IntakePlay
from tests.simulation.plays.logs import LogsPlay
from tests.simulation.plays.notify import NotifyPlay
from tests.simulation.plays.scoring import ScoringPlay
from tests.simulation.scene import Play, Scene
from tests.simulation.virtual_machine import Loop, StuckError, run

PLAYS: dict[str, Callable[[], Play]] = {
    "scoring": ScoringPlay,
    "intake": IntakePlay,
    "incidents": IncidentsPlay,
    "notify": NotifyPlay,
    "logs": LogsPlay,
}
_FAULTS_S = 6.0
_PATIENCE_S = 240.0
_IN_MEMORY = Path("/dev/shm")


@dataclass(frozen=True)
class Outcome:
    """How a story ended: after how many steps, which way it went (``trail``), what happened, and what is wrong.

    ``name`` is what tells it again.
    """

    name: str
    steps: int
    trail: int
    said: tuple[str, ...]
    problems: tuple[str, ...]


def tell(seed: int, name: str, wrong: str | None = None) -> Outcome:
    """Tell the story of a seed; the same one each time. ``wrong``: how the protocol of its workers is broken."""
    with broken(wrong) if wrong else nullcontext():
        return _tell(seed, name, f"{name}:{seed}" + (f":{wrong}" if wrong else ""))


def _tell(seed: int, name: str, whole_name: str) -> Outcome:
    draw = random.Random(f"{name} {seed}")
    random.seed(f"{name} {seed}")  # of those who draw for themselves, as pauses of notifications do
    loop = Loop(draw)
    play = PLAYS[name]()
    with tempfile.TemporaryDirectory(dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None) as folder:
        scene = Scene(loop, draw, play, Path(folder))
        problems: list[str] = []

        async def story() -> None:
            for _ in range(draw.choice((1, 1, 2, 3))):
                scene.open_slot()
            feeding = asyncio.create_task(play.feed(scene))
            await faults.let_happen(scene, _FAULTS_S, play.faults)
            await feeding
            faults.heal(scene)
            finished = await scene.until(lambda: play.finished(scene), _PATIENCE_S)
            await scene.end()
            problems.extend(scene.wrong)
            if not finished:
                problems.append(f"Not everything was read within {_PATIENCE_S:g} s: {dict(scene.cluster.committed)}.")
            problems.extend(play.problems(scene))

        try:
            run(loop, story())
        except StuckError as error:
            problems.append(str(error))
    return Outcome(whole_name, loop.steps, loop.trail, tuple(scene.said), tuple(problems))

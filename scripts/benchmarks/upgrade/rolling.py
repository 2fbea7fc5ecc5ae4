"""Two builds in one consumer group, while executions come."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.errors import TracehoundError
from tracehound.scripts.benchmarks.builds import Build
from tracehound.scripts.soak.campaign import finish
from tracehound.scripts.soak.checker import Verdict
from tracehound.scripts.soak.crew import RUN
from tracehound.scripts.soak.scene import Pace, Scene, scene

_WORKERS = 2
_COMPILE_S = 1_800.0


@dataclass(frozen=True, slots=True)
class Trip:
    """One way: what each worker was, and what became of the executions.

    ``sound`` is whether none was lost or learned twice. Whether models and anomalies are those of an uninterrupted
    run cannot be asked where builds detect differently.
    """

    before: str
    after: str
    verdict: Verdict

    @property
    def sound(self) -> bool:
        """Whether each execution was learned once."""
        return not (self.verdict.lost or self.verdict.learned_twice)


def travel(before: Build, after: Build, broker: Broker, folder: Path, pace: Pace, seed: int) -> Trip:
    """Feed workers of one build, replace them one by one by those of another, and judge what they left behind.

    Raises:
        TracehoundError: a worker is of another build than it should be, ended by itself, or did not come to an end.
    """
    with scene(broker, folder, pace, seed, workers=0) as stage:
        for _ in range(_WORKERS):
            _hire(stage, before)
        stage.crew.wait_until_ready()
        with stage.feed:
            for member in list(stage.crew.members):
                stage.pause()
                if status := member.stop():
                    raise TracehoundError(f"{member.name} ended with status {status}:\n{member.end_of_log()}")
                stage.crew.dismiss(member)
                _hire(stage, after)
                stage.crew.wait_until_ready()
            stage.pause()
            stage.feed.stop(pace.least)
        return Trip(before.name, after.name, finish(stage))


def compile_kernels(build: Build) -> None:
    """Have a build ready to start at once.

    Raises:
        subprocess.CalledProcessError: it does not run with the libraries that are installed.
    """
    subprocess.run(
        [sys.executable, "-m", "tracehound", "compile"],
        env=_environment(build),
        cwd="/",
        check=True,
        capture_output=True,
        timeout=_COMPILE_S,
    )


def _hire(stage: Scene, build: Build) -> None:
    code = RUN
    if build.folder is not None:
        here = "import tracehound.streams.scoring.app as app; "
        code = f"{here}assert app.__file__.startswith({str(build.folder)!r}), app.__file__; {RUN}"
    stage.crew.hire(code, **_environment(build))


def _environment(build: Build) -> Mapping[str, str]:
    """What has Python find a build before what is installed, and before the folder that it is started in."""
    if build.folder is None:
        return {}
    return {"PYTHONPATH": str(build.folder), "PYTHONSAFEPATH": "1"}

"""How soon a worker with 10,000 applications scores again after a restart, with and without copies of their states."""

import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import click

from tracehound.infra.kafka.broker import Broker, broker
from tracehound.schemas.execution import Execution
from tracehound.scripts.kafka.clients import producer_config
from tracehound.scripts.recorded.sending import ExecutionSender, connect
from tracehound.scripts.soak.report import update
from tracehound.scripts.soak.scene import Pace, Scene, scene
from tracehound.streams.settings.settings import Settings

PARTITIONS: Final = 12
_POLL_S: Final = 0.25
_TIMEOUT_S: Final = 900.0
_PAST_S: Final = 86_400.0


def send(stage: Scene, applications: int, first: int, count: int) -> None:
    """Executions ``first`` to ``first + count`` of each application."""
    settings = Settings(bootstrap_servers=stage.broker.bootstrap_servers)
    topic = stage.topics.executions
    sender = ExecutionSender(connect(dict(producer_config(settings)), topic), topic, batch=count)
    begun_s = time.time() - _PAST_S
    for application in range(applications):
        for number in range(first, first + count):
            duration_ms = 50.0 + (application * 7 + number * 13) % 40
            sender.send(
                Execution(f"application-{application}", "GET /", begun_s + number, duration_ms, trace_id=f"t{number}")
            )
    sender.close(_TIMEOUT_S)


def measure(
    broker: Broker, folder: Path, applications: int, executions: int, environment: Mapping[str, str]
) -> tuple[float, float]:
    """Let a worker learn, stop it, send one more execution of each application, and start another.

    Returns:
        Seconds from the start of the second worker's process until it had scored the first of those executions, and
        until it had scored all of them.
    """
    pace = Pace(settle_s=_TIMEOUT_S)
    with scene(broker, folder, pace, partitions=PARTITIONS, environment=environment) as stage:
        send(stage, applications, 0, executions)
        stage.settle()
        stage.crew.stop()
        send(stage, applications, executions, 1)
        begun = time.monotonic()
        member = stage.crew.hire()
        first_s = None
        while (scored := member.counted("executions_total")) < applications:
            if scored and first_s is None:
                first_s = time.monotonic() - begun
            stage.crew.check()
            time.sleep(_POLL_S)
        all_s = time.monotonic() - begun
        assert member.counted("model_changes_total") == 0, "a restored application does not warm up anew"
        return first_s or all_s, all_s


@click.command()
@click.option("--applications", default=10_000, show_default=True)
@click.option("--executions", default=40, show_default=True, help="Executions of each, before the restart.")
@click.option("--report", type=click.Path(path_type=Path, file_okay=False), help="Folder for reliability.json.")
def main(applications: int, executions: int, report: Path | None) -> None:
    """Measure a restart with and without ``state_dir``."""
    figures: dict[str, Any] = {}
    plain: dict[str, str] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tracehound-soak-")))
        kafka = stack.enter_context(broker("real"))
        for suffix, environment in (("", plain), ("_state_dir", {"TRACEHOUND_STATE_DIR": str(folder / "states")})):
            place = folder / f"restart{suffix}"
            place.mkdir()
            first_s, all_s = measure(kafka, place, applications, executions, environment)
            click.echo(f"{'with' if environment else 'without'} state_dir: {first_s:.1f} s, all of them {all_s:.1f} s")
            figures[f"restart_seconds_{applications}_applications{suffix}"] = round(first_s, 2)
            figures[f"restart_caught_up_seconds{suffix}"] = round(all_s, 2)
    if report is not None:
        update(report, "restart", figures)


if __name__ == "__main__":
    main()

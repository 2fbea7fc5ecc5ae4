"""``python -m tracehound.scripts.benchmarks.upgrade --from COMMIT``: to the code that is here, and back."""

import json
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click

from tracehound.infra.kafka.broker import broker
from tracehound.scripts.benchmarks.builds import HERE, checked_out
from tracehound.scripts.benchmarks.upgrade.rolling import Trip, compile_kernels, travel
from tracehound.scripts.documents.stored import commit, store
from tracehound.scripts.soak.scene import LONG

_PACE = replace(LONG, least=20_000)


@click.command()
@click.option("--from", "origin", required=True, help="The commit whose workers are upgraded.")
@click.option("--rounds", default=3, show_default=True, help="There and back, so many times.")
@click.option("--seed", default=1, show_default=True)
@click.option("--report", type=click.Path(path_type=Path, file_okay=False), help="Folder for operate.json.")
def main(origin: str, rounds: int, seed: int, report: Path | None) -> None:
    """Upgrade workers under load, one by one, and go back; needs Java and Maven for a real Apache Kafka."""
    trips: list[Trip] = []
    with ExitStack() as stack:
        before = stack.enter_context(checked_out(origin))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tracehound-upgrade-")))
        kafka = stack.enter_context(broker("jvm"))
        for build in (before, HERE):
            compile_kernels(build)
        for number in range(rounds):
            for first, second in ((before, HERE), (HERE, before)):
                place = folder / str(len(trips))
                place.mkdir()
                trips.append(travel(first, second, kafka, place, _PACE, seed + number))
                click.echo(_sentence(trips[-1]))
    if report is not None:
        _write(report / "operate.json", before.name, trips)
    if not all(trip.sound for trip in trips):
        raise SystemExit(1)


def _sentence(trip: Trip) -> str:
    verdict = trip.verdict
    return (
        f"{trip.before} to {trip.after}: {verdict.executions:,} executions, {verdict.lost} lost, "
        f"{verdict.learned_twice} learned twice"
    )


def _write(file: Path, origin: str, trips: list[Trip]) -> None:
    known = json.loads(file.read_text()) if file.exists() else {}
    store(
        file,
        known
        | {
            "upgrade_lost": sum(trip.verdict.lost for trip in trips),
            "upgrade_repeated": sum(trip.verdict.learned_twice for trip in trips),
            "upgrade_executions": sum(trip.verdict.executions for trip in trips),
            "upgrade_trips": len(trips),
            "upgrade_from": origin,
            "upgrade_to": commit(),
        },
    )


if __name__ == "__main__":
    main()

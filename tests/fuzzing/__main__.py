"""``python -m tests.fuzzing``: lets Atheris look for bytes that any target does not read as it should."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click

from tests.checkout import PROJECT
from tests.fuzzing.targets import TARGETS

FOUND = PROJECT / ".fuzzing"
"""What was found stays here: for each target its corpus, so that the next look goes on, and what failed."""
_CHECKED = {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(PROJECT / ".venv/checked-kernels")}
_EXECUTED = re.compile(r"stat::number_of_executed_units: (\d+)")
_LAST_LINES = 40


@click.command(help=__doc__)
@click.option("--seconds", default=60, show_default=True, type=click.IntRange(min=1), help="Time for each target.")
@click.option("--only", type=click.Choice(list(TARGETS)), help="One target instead of all.")
@click.option("--replay", type=click.Path(exists=True, path_type=Path), help="A file of bytes to read with --only.")
def main(seconds: int, only: str | None, replay: Path | None) -> None:
    if replay is not None:
        if only is None:
            raise click.UsageError("--replay needs the target, --only.")
        TARGETS[only].read(replay.read_bytes())
        click.echo(f"{only} reads {replay} as it should.")
        return
    failed = [name for name in ([only] if only else TARGETS) if not looked_for(name, seconds)]
    sys.exit(1 if failed else 0)


def looked_for(name: str, seconds: int) -> bool:
    """Fuzz a target in a process of its own; False where something was found."""
    target, folder = TARGETS[name], FOUND / name
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    command = [sys.executable, "-m", "tests.fuzzing.instrumented", name, str(corpus), f"-max_total_time={seconds}"]
    bounds = [f"-artifact_prefix={folder}/", "-timeout=20", "-rss_limit_mb=3072", "-max_len=20000"]
    environment = os.environ | (_CHECKED if target.compiled else {})
    run = subprocess.run(
        [*command, *bounds, "-print_final_stats=1"], cwd=PROJECT, env=environment, capture_output=True, check=False
    )
    said = (run.stdout + run.stderr).decode(errors="replace")
    executed = _EXECUTED.search(said)
    if run.returncode == 0 and executed is not None and int(executed[1]) > 0:
        click.echo(f"{name}: {executed[1]} inputs in {seconds} s, all read as they should be")
        return True
    click.echo("\n".join(said.splitlines()[-_LAST_LINES:]))
    click.echo(
        f"{name}: FAILED with status {run.returncode}. Again: make fuzz ONLY={name} REPLAY=<the file named above>"
    )
    return False


if __name__ == "__main__":
    main()

"""Compiles the kernels of the detectors before anything needs them, in a process of its own, and says so."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import click
import structlog

from tracehound.schemas.errors import TracehoundError

COMPILING = "The kernels of the detectors are compiled for this machine, once; that takes a minute or two."
_SAY_EVERY_S = 10.0
_POLL_S = 0.1
_COMMAND = (sys.executable, "-P", "-m", "tracehound.scripts.compile_kernels")  # -P: what is installed, wherever we are

log = structlog.get_logger(__name__)


@click.command("compile")
@click.option("--again", is_flag=True, help="Also where they are compiled already.")
def compile_command(again: bool) -> None:
    """Compile the kernels of the detectors, so that no worker has to at its start.

    What is compiled is kept beside the code, or in the folder that NUMBA_CACHE_DIR names, for this kind of processor.
    """
    if again or not _is_compiled():
        _run(_echo, ("--again",) if again else ())
    else:
        click.echo("The kernels are compiled.")


def compile_first(say: Callable[[str], None]) -> None:
    """Have the kernels compiled; returns at once where they are. ``say`` is given a sentence every ten seconds.

    Raises:
        TracehoundError: compiling failed; the message holds why.
    """
    if not _is_compiled():
        _run(say)


async def compile_before_work(stop: asyncio.Event) -> bool:
    """Have the kernels compiled while the event loop goes on; says so in the log, at first and every ten seconds.

    Where that fails the worker is left to do it by itself.

    Returns:
        Whether to go on: False once ``stop`` is set.
    """
    if _is_compiled():
        return True
    log.info("kernels_compiling", sentence=COMPILING)
    begun_s = time.monotonic()
    child = await asyncio.create_subprocess_exec(*_COMMAND, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = asyncio.create_task(child.communicate())
    stopped = asyncio.create_task(stop.wait())
    try:
        while not said.done() and not stop.is_set():
            await asyncio.wait([said, stopped], timeout=_SAY_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
            if not said.done() and not stop.is_set():
                log.info("kernels_compiling", seconds=round(time.monotonic() - begun_s))
    finally:
        stopped.cancel()
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
        output, _ = await said
    if stop.is_set():
        return False
    if child.returncode == 0:
        log.info("kernels_compiled", seconds=round(time.monotonic() - begun_s))
    else:
        log.warning(
            "kernels_not_compiled",
            sentence="Compiling ahead failed; the worker compiles what it needs when it needs it.",
            cause=output.decode(errors="replace")[-2_000:],
        )
    return True


def _is_compiled() -> bool:
    from tracehound.detectors.packed.kernels import compiled_stamp  # numba: a second, which help need not take

    stamp = compiled_stamp()
    return stamp is None or stamp.exists()


def _echo(sentence: str) -> None:
    click.echo(sentence, err=True)


def _run(say: Callable[[str], None], more: tuple[str, ...] = ()) -> None:
    say(COMPILING)
    begun_s = said_s = time.monotonic()
    with subprocess.Popen([*_COMMAND, *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
        try:
            while child.poll() is None:
                time.sleep(_POLL_S)
                if time.monotonic() - said_s >= _SAY_EVERY_S:
                    said_s = time.monotonic()
                    say(f"Still compiling, after {said_s - begun_s:.0f} s.")
        except BaseException:
            child.kill()
            raise
        output = child.stdout.read() if child.stdout is not None else ""
    if child.returncode != 0:
        raise TracehoundError(f"The kernels could not be compiled:\n{output.strip()[-2_000:]}")
    say(output.strip())

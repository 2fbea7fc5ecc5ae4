"""Where a worker's time goes: samples of its stack by py-spy, from outside, sorted by stage and by function."""

import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_RATE_HZ: Final = 100
_STOP_S: Final = 60.0
_FUNCTIONS: Final = 15
_FRAME = re.compile(r"(?P<function>.+?) \((?P<file>[^()]*?)(?::\d+)?\)$")

_COLLECTOR: Final = "gc_collect"
_WAITS: Final = re.compile(
    r"(_worker \(\S*concurrent/futures/thread|wait\w* \(\S*threading|select \(\S*selectors|"
    r"(wait\w*|poll|_?recv\w*) \(\S*multiprocessing/(connection|popen|queues)|"
    r"(get|put) \(\S*queue)\.py"
)
"""Innermost functions of threads that do nothing. py-spy knows most of them itself, but not where cores are scarce."""

_WHOLE_STACK: Final = {
    "state saving": (
        "detectors/scoring/snapshot.py",
        "streams/states/model_states.py",
        "streams/states/state_store.py",
    ),
    "starting": ("<frozen importlib", "numba/core/dispatcher.py:_compile_for_args"),
}
"""Stages that own everything beneath one of their frames."""

_DEEPEST: Final = (
    ("decoding", r"schemas/|detectors/columns/(?!segment_columns)"),
    ("batch building", r"detectors/(scoring/rows|features/(?!profile)|columns/|packed/(ordered|slots))"),
    (
        "detectors: alarms and events",
        r"detectors/(scoring/(scor|outcomes)|alarms/(?!silence|of_windows)|application/subject|telling/|features/profile)",
    ),
    ("detectors: refits", r"detectors/(scoring/refits|forests/(refitting|fitting|forest_fit))"),
    ("detectors: windows and silence", r"detectors/(windows/|alarms/(silence|of_windows))"),
    ("detectors: structure", r"detectors/structure/(?!exposure)"),
    ("detectors: charts", r"detectors/(charts/(?!drift|priors)|packed/reference|structure/exposure)"),
    ("detectors: {}", r"detectors/(\w+/)*(?P<bank>\w+)\.py"),
    ("reading runs", r"streams/\w+/(read_run|forwarding|partitions)\.py"),
    ("state saving", r"streams/\w+/(resident_models|changelog|state_folder)\.py"),
    ("delivery", r"streams/\w+/(delivery|publisher|outputs|report_progress)\.py"),
    ("metrics and health", r"streams/\w+/(metrics|health|vitals)\.py|prometheus_client/"),
    ("scoring loop", r"streams/"),
    ("kafka client and faust", r"aiokafka/|faust/|mode/|kafka/|cramjam"),
    ("asyncio", r"asyncio/|selectors\.py|aiohttp/"),
)
"""Stages by the deepest frame of a file that belongs to one."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Shares of samples of threads that work: by stage (they sum to 1), and of the commonest innermost functions.

    Compiled code counts as the Python function that called it, the garbage collector as itself.
    """

    samples: int
    stages: Mapping[str, float]
    functions: Mapping[str, float]


class Sampler:
    """py-spy, told a process id when the clock starts and when it has stopped; then ``profile`` is what it found."""

    def __init__(self, folder: Path) -> None:
        self._stacks = folder / "stacks"
        self._log = folder / "py-spy"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, pid: int) -> None:
        """Sample this process until ``stop``."""
        command = [
            str(_py_spy()),
            "record",
            "-p",
            str(pid),
            "-r",
            str(_RATE_HZ),
            "-f",
            "raw",
            "-d",
            "86400",
            "--native",
        ]
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [*command, "-o", str(self._stacks)], stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    def stop(self) -> None:
        """Sample no more."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)

    def profile(self) -> Profile:
        """What was found until ``stop``.

        Raises:
            RuntimeError: py-spy wrote nothing; the message holds what it said.
        """
        if self._process is not None:
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if not self._stacks.exists():
            said = self._log.read_text(errors="replace")[-500:] if self._log.exists() else "it was not started"
            raise RuntimeError(f"py-spy must be able to look into the worker. It says: {said}")
        return profile_of(self._stacks.read_text().splitlines())


def why_no_profile() -> str | None:
    """Why a worker cannot be profiled here, or None if it can."""
    return None if _py_spy() else "py-spy is not installed."


def _py_spy() -> Path | None:
    beside = Path(sys.executable).with_name("py-spy")
    found = str(beside) if beside.exists() else shutil.which("py-spy")
    return Path(found) if found else None


def profile_of(lines: Iterable[str]) -> Profile:
    """Sort stacks in py-spy's raw format: frames from the outermost, separated by semicolons, and a count.

    >>> profile_of(["run (asyncio/runners.py:1);decode_record (schemas/codec.py:9) 3"]).stages
    {'decoding': 1.0}
    """
    stages: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        frames = [(found["function"], found["file"]) for part in stack.split(";") if (found := _FRAME.match(part))]
        innermost = _innermost(frames)
        if count.isdigit() and innermost is not None and not _WAITS.search(innermost):
            stages[stage_of(frames)] += int(count)
            functions[innermost] += int(count)
    samples = stages.total()
    return Profile(
        samples,
        {stage: number / samples for stage, number in stages.most_common()},
        {function: number / samples for function, number in functions.most_common(_FUNCTIONS)},
    )


def _innermost(frames: Sequence[tuple[str, str]]) -> str | None:
    for function, file in reversed(frames):
        if function.startswith(_COLLECTOR) or file.endswith((".py", ">")):
            return f"{function} ({file})"
    return None  # a thread of a library's own


def stage_of(frames: Iterable[tuple[str, str]]) -> str:
    """The stage of a stack of (function, file), outermost first.

    >>> stage_of([("score", "detectors/scoring/scorer.py"), ("take", "detectors/charts/chart.py"), ("zeros", "np.py")])
    'detectors: charts'
    """
    stack = list(frames)
    for stage, owners in _WHOLE_STACK.items():
        if any(owner in f"{file}:{function}" for function, file in stack for owner in owners):
            return stage
    for function, file in reversed(stack):
        if function.startswith(_COLLECTOR):
            return "garbage collection"
        for stage, pattern in _DEEPEST:
            if found := re.search(pattern, file):
                return stage.format(found.groupdict().get("bank"))
    return "other"

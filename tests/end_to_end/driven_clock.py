"""A clock that a test drives and a scoring worker reads: time goes on as fast as the machine allows, and no faster."""

import functools
import mmap
import struct
import sys
from pathlib import Path

_SECONDS = struct.Struct("=d")


class DrivenClock:
    """Epoch seconds in a file that processes share; they stand still until they are set.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     clock = DrivenClock(Path(folder) / "clock", 1_000.0)
    ...     reader = DrivenClock(Path(folder) / "clock")
    ...     clock.set(1_000.5)
    ...     reader()
    1000.5
    """

    def __init__(self, path: Path, begin_s: float | None = None) -> None:
        self.path = path
        if begin_s is not None:
            path.write_bytes(_SECONDS.pack(begin_s))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _SECONDS.size)

    def __call__(self) -> float:
        """What time it is."""
        return float(_SECONDS.unpack(self._shared[:])[0])

    def set(self, now_s: float) -> None:
        """Let it be this time, for all who read the clock."""
        self._shared[:] = _SECONDS.pack(now_s)

    @property
    def worker(self) -> str:
        """The code of a scoring worker that lives by this clock."""
        return f"from {__name__} import score_by; score_by({str(self.path)!r})"


def score_by(path: str) -> None:
    """Be a scoring worker for which it is the time that the clock at ``path`` shows, and that passes as it does."""
    from tracehound.streams.scoring.app import build_scoring
    from tracehound.streams.settings.settings import load_settings
    from tracehound.streams.worker.worker import run_worker

    clock = DrivenClock(Path(path))
    sys.exit(run_worker(load_settings(), functools.partial(build_scoring, clock=clock, elapsed=clock)))

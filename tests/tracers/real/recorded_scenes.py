"""The scene as each tracer played it once, kept as bytes, so that every run of the tests reads it without any tracer.

Recorded anew with ``TRACEHOUND_RECORD_TRACERS=1 make test-tracers``.
"""

import base64
import re
from collections.abc import Sequence
from pathlib import Path

from tests.tracers.real.tracers import Tracer

RECORD = "TRACEHOUND_RECORD_TRACERS"
_FOLDER = Path(__file__).parent / "scenes"


def _file(tracer: Tracer) -> Path:
    return _FOLDER / f"{re.sub('[^a-z0-9]+', '-', f'{tracer.name} {tracer.version}'.lower())}.txt"


def scene_of(tracer: Tracer) -> list[bytes]:
    """What it reported."""
    return [base64.b64decode(line) for line in _file(tracer).read_text().splitlines()]


def record(tracer: Tracer, values: Sequence[bytes]) -> None:
    """Keep what it reported."""
    _FOLDER.mkdir(exist_ok=True)
    _file(tracer).write_text("".join(base64.b64encode(value).decode() + "\n" for value in values))

"""What the benchmark of the console found, as figures (JSON) and for people (Markdown)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from tracehound.scripts.benchmarks.api.asking import Answers
from tracehound.scripts.benchmarks.api.filling import Size
from tracehound.scripts.benchmarks.api.reading import Reading
from tracehound.scripts.benchmarks.intake.report import Machine
from tracehound.scripts.documents.stored import store

TARGETS: Final = {"p50_ms": 50.0, "p99_ms": 200.0, "reader": 10_000.0, "resident_mb": 300.0, "datasette_ratio": 3.0}


@dataclass(frozen=True, slots=True)
class Engine:
    """What was found on one engine: answers by what is asked, and what the reader stores."""

    answers: Mapping[str, Answers]
    reading: Reading | None
    serving_mb: float


@dataclass(frozen=True, slots=True)
class Peer:
    """The same list from the console and from Datasette, as it is and without what nobody asked for."""

    version: str
    ours: Answers
    usual: Answers
    bare: Answers

    @property
    def ratio(self) -> float:
        """Our requests per CPU second divided by those of Datasette at its best."""
        return self.ours.per_cpu_second / max(self.usual.per_cpu_second, self.bare.per_cpu_second)


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything, by engine. ``load_before``: processes that wanted the cores in the minute before."""

    machine: Machine
    size: Size
    engines: Mapping[str, Engine]
    peer: Peer | None
    load_before: float

    def figures(self) -> dict[str, Any]:
        """As they are stored."""
        readings = {name: one.reading for name, one in self.engines.items() if one.reading is not None}
        return {
            "list_p50_ms": {name: one.answers["list"].p50_ms for name, one in self.engines.items()},
            "list_p99_ms": {name: one.answers["list"].p99_ms for name, one in self.engines.items()},
            "reader_events_per_second": {name: one.per_cpu_second for name, one in readings.items()},
            "resident_mb": max(
                [one.serving_mb for one in self.engines.values()] + [one.peak_mb for one in readings.values()]
            ),
            "datasette_ratio": self.peer.ratio if self.peer else None,
            **asdict(self),
        }


def write(findings: Findings, folder: Path) -> None:
    """Write ``api.json``."""
    store(folder / "api.json", findings.figures())

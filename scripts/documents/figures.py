"""Every table of figures that README and docs show, by the name of its markers."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from tracehound.scripts.documents import quality_figures as quality
from tracehound.scripts.documents import speed_figures as speed
from tracehound.scripts.documents.api_figures import api
from tracehound.scripts.documents.blocks import Blocks
from tracehound.scripts.documents.check_figures import check
from tracehound.scripts.documents.measured import Measured
from tracehound.scripts.documents.page_figures import page
from tracehound.scripts.documents.sizes_table import sizes
from tracehound.scripts.documents.tracers_table import tracers

_TABLES: dict[str, Callable[[Measured], str]] = {
    "figures-summary": quality.summary,
    "figures-train_ticket_30": partial(quality.recording, name="train_ticket_30"),
    "figures-online_boutique_22": partial(quality.recording, name="online_boutique_22"),
    "figures-train_ticket_paths": quality.paths,
    "figures-missed": quality.missed,
    "figures-nab": quality.nab,
    "figures-causes": quality.causes,
    "figures-trials": quality.trials,
    "figures-speed": speed.summary,
    "figures-throughput": speed.throughput,
    "figures-targets": speed.targets,
    "figures-latency": speed.latency,
    "figures-intake": speed.intake,
    "figures-api": api,
    "figures-check": check,
    "figures-page": page,
    "figures-sizes": sizes,
    "tracers": tracers,
}


def figures(folder: Path) -> Blocks:
    """All tables, from the JSON files in ``folder``; each is read when a page shows it."""
    measured = Measured(folder)
    return {name: partial(make, measured) for name, make in _TABLES.items()}

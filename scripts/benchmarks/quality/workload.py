"""The labelled recordings that detection is judged on, the role of each, and what to say where one is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tracehound.schemas.errors import TracehoundError
from tracehound.scripts.commands.replay_report import warm_up_traces
from tracehound.scripts.recorded.evaluation import AFTER_S, BEFORE_S
from tracehound.scripts.recorded.traces import EVENTS, LABELS, WINDOWS, FaultWindow, Recording, open_recording

ROLES = {
    "train_ticket_30": "parameters were chosen here",
    "online_boutique_22": "reported only, no parameter was chosen here",
    "train_ticket_paths": "learned on its train part, reported on its test part",
}
"""The recordings, in the order of the report."""
PATHS = "train_ticket_paths"
"""The one that has a label per trace and no injected windows; its times are made up."""
WITH_FAULTS = tuple(name for name in ROLES if name != PATHS)
"""Those with injected faults, of which there is a list of incidents."""
NOMINAL_RATES = {"train_ticket_30": 2e-3, "online_boutique_22": 2e-3, PATHS: 1e-2}
"""Share of normal traces that a baseline's automatic threshold is set to alarm on."""
UNLISTED = {"online_boutique_22": (FaultWindow(1_661_153_700.0, "adservice", "network_delay"),)}
"""Faults that a recording shows and its list of faults, and so its labels, do not name: figures are given both ways.

From 07:35 to 07:39 every call of frontend to AdService/GetAds took 540 ms and more, before and after some 14 ms; the
list has a delay of the network for other services, for this one at this time nothing. No detector was asked.
"""
MINUTE_S = 60.0


class MissingDataError(TracehoundError):
    """Recordings that the benchmark needs are not there; the message names them and where they come from."""


@dataclass(frozen=True)
class DataSet:
    """A labelled recording; the first ``warm_up`` traces are learned and not scored.

    ``unlisted`` are faults that it shows, and that its labels call normal.
    """

    recording: Recording
    warm_up: int
    unlisted: Sequence[FaultWindow] = ()

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.recording.name

    @property
    def windows(self) -> Sequence[FaultWindow]:
        """The injected faults; empty where labels are per trace."""
        return self.recording.windows

    @property
    def labels(self) -> NDArray[np.int64]:
        """(traces,) 1 faulty, 0 normal, -1 ignored, as the recording has them."""
        return np.array([label.label for label in self.recording.labels], np.int64)

    @property
    def scored(self) -> slice:
        """The traces that are scored."""
        return slice(self.warm_up, None)


def open_data_sets(data: Path, names: Sequence[str]) -> list[DataSet]:
    """The named recordings under ``data``/traces.

    Raises:
        MissingDataError: some are not there, or lack labels; the message says which and where they come from.
    """
    folders = [data / "traces" / name for name in names]
    missing = [
        str(folder / file) for folder in folders for file in _files(folder.name) if not (folder / file).is_file()
    ]
    if missing:
        raise MissingDataError(
            f"The labelled traces are not part of this repository, and these files are missing: {', '.join(missing)}. "
            f"Give the data folder that has them with --data: it holds traces/<name>/ with {EVENTS}, {LABELS} and "
            f"{WINDOWS}. They are public recordings in one format: train_ticket_30 from IntelligentDDS/TraStrainer, "
            f"online_boutique_22 from IntelligentDDS/Nezha and IntelligentDDS/TraStrainer, train_ticket_paths from "
            f"NetManAIOps/TraceAnomaly (all on GitHub)."
        )
    recordings = [open_recording(folder) for folder in folders]
    return [DataSet(one, warm_up_traces(one), UNLISTED.get(one.name, ())) for one in recordings]


def _files(name: str) -> tuple[str, ...]:
    return (EVENTS, LABELS) if name == PATHS else (EVENTS, LABELS, WINDOWS)


def fault_free_days(starts_s: Sequence[float], windows: Sequence[FaultWindow]) -> float:
    """Days covered by traces that start at ``starts_s`` (epoch seconds), outside windows and their margins.

    Counted in minutes of the clock that have a trace, so that gaps of a recording are no observed time.

    >>> round(1440 * fault_free_days([0.0, 59.0, 61.0, 7_200.0], [FaultWindow(7_100.0, "cart", "cpu")]))
    2
    """
    minutes = {
        at_s // MINUTE_S
        for at_s in starts_s
        if not any(-BEFORE_S <= at_s - window.inject_s < AFTER_S for window in windows)
    }
    return len(minutes) / 1_440

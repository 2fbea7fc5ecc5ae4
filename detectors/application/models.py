"""What is remembered of one application beside its detectors: its operations, refits, and what was published."""

from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import accumulate
from typing import Any

from tracehound.detectors.application.versions import Versions
from tracehound.detectors.charts.priors import PRIOR_VERSION
from tracehound.detectors.features.batch import KEYED_SIGNALS
from tracehound.detectors.features.contrast import Contrast
from tracehound.detectors.features.profile import Profile
from tracehound.detectors.telling.feedback import FeedbackMemory, Peaks
from tracehound.schemas.execution import ApplicationKey

REMEMBERED_PATHS, NAMES_BYTES = 512, 120_000
"""The most call paths whose names an operation remembers, and the bytes of these names: one may take thousands."""
OPENINGS_S = 7 * 86_400.0
"""For so long, in event time, a release whose first executions were slow says what to expect of the next ones."""


def seed_of(*names: str) -> int:
    """A 31-bit seed that follows from names alone, the same on every worker.

    >>> seed_of("shop", "GET /") == seed_of("shop", "GET /")
    True
    """
    return int.from_bytes(blake2b("\0".join(names).encode(), digest_size=4).digest(), "big") & 0x7FFFFFFF


@dataclass(slots=True)
class OperationModels:
    """An operation's slot in the banks of scope operation, how many executions it has seen, its profile, and who ran
    it (``contrast``).

    ``idle`` is for how many periods it was not seen (``detectors.application.places``).
    ``path_names`` are readable names of the call paths that its structure knows, and the parts they belong to.
    """

    name: str
    slot: int
    seen: int = 0
    idle: int = 0
    profile: Profile = field(default_factory=Profile)
    contrast: Contrast = field(default_factory=Contrast)
    path_names: dict[int, tuple[str, str]] = field(default_factory=dict)

    def remember_paths(self, names: dict[int, tuple[str, str]]) -> None:
        """Keep the names of paths, the newest ones that ``REMEMBERED_PATHS`` and ``NAMES_BYTES`` leave room for."""
        known = len(self.path_names)
        self.path_names.update(names)
        if len(self.path_names) == known:  # as nearly always
            return
        kept = list(self.path_names.items())[-REMEMBERED_PATHS:]
        ends = accumulate(len(name.encode()) + len(part.encode()) for _, (name, part) in reversed(kept))
        fitting = sum(end <= NAMES_BYTES for end in ends)
        self.path_names = dict(kept[len(kept) - fitting :])


@dataclass(slots=True)
class Refit:
    """A refit under way: what is fitted, since when and why, and from which count of executions on it judges."""

    detector: str
    sample: tuple[Any, ...]
    started_at_count: int
    due_at_count: int
    started_s: float
    why: str


@dataclass(slots=True)
class Published:
    """The last anomaly published of one operation and kind, and the last alarm, published or not.

    ``at_s`` and ``alarm_s`` are event times in epoch seconds, ``rank`` is of the published severity, ``seen`` how
    many executions the operation had seen at the last alarm, ``told`` how often the deviation was told.
    """

    at_s: float
    rank: int
    alarm_s: float
    seen: int
    told: int


@dataclass(slots=True)
class ApplicationModels:
    """An application's slot in the banks of scope application, its operations and its history.

    ``seen`` counts executions; ``next_stop`` is the count at which a refit
    starts or takes effect; ``used`` is the scorer's last call that had executions of it. ``calls`` are the slots of
    called peers and queues, for each entry of ``detectors.features.batch.KEYED_SIGNALS``. ``published`` is keyed by
    what deviates and kind. ``asked_refit`` is the count at which a refit beside the schedule starts, ``asked_why`` its
    reason, ``last_refit`` the count at which the last one started. ``prior`` is the version of the shipped prior that
    the models began with, and keep; ``release_s`` is when the newest release was seen. ``feedback`` is what was learned
    of verdicts, ``peaks`` how large deviations became; until ``expected_until_s`` those that began from ``expected_s``
    on are soon the new normal, because somebody expects them. ``batches`` is which share of its executions of late were
    jobs or commands, of those that profiles sample. ``slow_s`` is when an execution was slow last since the newest
    release, ``slow_opening_s`` when the last release was seen whose first executions were slow and got over it.
    ``ready`` is how many of its operations have warmed up. ``idle`` is for how many periods each of ``calls`` was not
    seen. ``silence_short``: the silence that began at
    ``silent_since_s`` was told, and is to be told again if it lasts. ``quiet_told_s`` is when it was told last that
    nobody came at the usual hour.
    """

    key: ApplicationKey
    slot: int
    next_refit: int
    next_stop: int
    seen: int = 0
    used: int = 0
    operations: dict[str, OperationModels] = field(default_factory=dict)
    ready: int = 0
    calls: tuple[dict[str, int], ...] = field(default_factory=lambda: tuple({} for _ in KEYED_SIGNALS))
    versions: Versions = field(default_factory=Versions)
    release_s: float = float("-inf")
    refits: list[Refit] = field(default_factory=list)
    published: dict[tuple[str, str], Published] = field(default_factory=dict)
    trained_s: float | None = None
    asked_refit: int | None = None
    asked_why: str = ""
    last_refit: int = 0
    prior: int = PRIOR_VERSION
    silent_since_s: float | None = None
    silence_short: bool = False
    quiet_told_s: float = float("-inf")
    feedback: FeedbackMemory = field(default_factory=FeedbackMemory)
    peaks: Peaks = field(default_factory=Peaks)
    expected_s: float = float("-inf")
    expected_until_s: float = float("-inf")
    batches: float = 0.0
    slow_s: float = float("-inf")
    slow_opening_s: float = float("-inf")
    idle: tuple[dict[str, int], ...] = field(default_factory=lambda: tuple({} for _ in KEYED_SIGNALS))

    def begin_release(self, now_s: float, patience_s: float) -> None:
        """A release is seen, in epoch seconds; what was slow after the one before for less than ``patience_s`` only,
        was so because it was new."""
        if self.release_s <= self.slow_s < self.release_s + patience_s:
            self.slow_opening_s = self.release_s
        self.release_s = now_s
        self.slow_s = float("-inf")

    def opens_slowly(self, release_s: float) -> bool:
        """Whether what is slow in the first minutes of a release, seen at that time, is as it was in one of the last
        week.
        """
        return release_s - self.slow_opening_s <= OPENINGS_S

    def peer_of(self, kind: int, slot: int) -> str:
        """The called peer or queue that has a slot; ``kind`` is a place in ``KEYED_SIGNALS``."""
        return next(peer for peer, number in self.calls[kind].items() if number == slot)

    def set_back(self, now_s: float) -> None:
        """The time may have run ahead, and is ``now_s``: nothing was told later than that."""
        self.release_s, self.slow_s = min(self.release_s, now_s), min(self.slow_s, now_s)
        self.slow_opening_s = min(self.slow_opening_s, now_s)
        for published in self.published.values():
            published.at_s, published.alarm_s = min(published.at_s, now_s), min(published.alarm_s, now_s)

"""What the state of an application may hold beside that of its detectors, as types that are checked when read."""

from typing import Annotated, Any

import msgspec

from tracehound.detectors.alarms.publishing import REMEMBERED
from tracehound.detectors.application.models import REMEMBERED_PATHS
from tracehound.detectors.application.versions import REMEMBERED_VERSIONS
from tracehound.detectors.ensemble.state import StoredBanks
from tracehound.detectors.features.attributes import LONGEST, MOST_PAIRS
from tracehound.detectors.features.contrast import ATTRIBUTES, INSTANCES, LEFT_OUT, MEMORY, RECENT
from tracehound.detectors.features.profile import MAX_PARTS
from tracehound.detectors.packed.stored_columns import StoredKey
from tracehound.detectors.packed.stored_numbers import COUNTED, LARGEST, LATEST_S, Moment
from tracehound.schemas.anomaly import SEVERITIES, AnomalyKind
from tracehound.schemas.execution import Name

Counted = Annotated[int, msgspec.Meta(ge=0, le=COUNTED)]
Since = Annotated[float, msgspec.Meta(le=2.0 * LATEST_S)]
"""A moment, or −∞ where there was none; it may lie a while after the last one that can be."""
_Amount = Annotated[float, msgspec.Meta(ge=0.0, le=LARGEST)]
_Rank = Annotated[int, msgspec.Meta(ge=0, lt=len(SEVERITIES))]
_Average = Annotated[list[_Amount], msgspec.Meta(min_length=2, max_length=2)]
_DETECTORS = 64  # a refit is of a detector, of which only some run


class StoredVersions(msgspec.Struct, kw_only=True):
    """See ``tracehound.detectors.application.versions``; 0.1.0 did not store when ``versions`` were seen."""

    versions: Annotated[list[str], msgspec.Meta(max_length=REMEMBERED_VERSIONS)]
    versions_seen: Annotated[list[tuple[Moment, Counted]], msgspec.Meta(max_length=REMEMBERED_VERSIONS)] = []


class StoredNumbers(StoredVersions, kw_only=True):
    """Versions, and fields of ``tracehound.detectors.application.models.ApplicationModels`` under their names."""

    seen: Counted
    trained_s: Moment | None
    silent_since_s: Moment | None
    release_s: Since
    prior: Counted
    next_refit: Counted
    asked_refit: Counted | None
    asked_why: str
    last_refit: Counted
    silence_short: bool = False
    quiet_told_s: Since = float("-inf")
    batches: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 0.0
    slow_s: Since = float("-inf")
    slow_opening_s: Since = float("-inf")


class StoredProfile(msgspec.Struct):
    """See ``tracehound.detectors.features.profile.Profile``."""

    learned: Counted
    averages: Annotated[dict[str, _Average], msgspec.Meta(max_length=MAX_PARTS)]


_Text = Annotated[str, msgspec.Meta(max_length=LONGEST)]
_Pairs = Annotated[list[tuple[_Text, _Text]], msgspec.Meta(max_length=MOST_PAIRS)]
_Sampled = Annotated[int, msgspec.Meta(ge=0, le=MEMORY)]
_Values = Annotated[dict[_Text, _Sampled], msgspec.Meta(max_length=INSTANCES)]


class StoredContrast(msgspec.Struct, array_like=True):
    """See ``tracehound.detectors.features.contrast.Contrast``."""

    samples: _Sampled
    usual: Annotated[dict[_Text, tuple[_Sampled, _Values]], msgspec.Meta(max_length=ATTRIBUTES + 2)]
    left_out: Annotated[list[_Text], msgspec.Meta(max_length=LEFT_OUT)]
    recent: Annotated[list[tuple[Moment, Annotated[int, msgspec.Meta(ge=0)], _Pairs]], msgspec.Meta(max_length=RECENT)]


class StoredOperation(msgspec.Struct):
    """An operation: its detectors' states, and what is in ``detectors.application.models.OperationModels``."""

    banks: StoredBanks
    seen: Counted
    profile: StoredProfile
    path_names: Annotated[list[tuple[int, str, str]], msgspec.Meta(max_length=REMEMBERED_PATHS)]
    idle: Counted = 0
    contrast: StoredContrast | None = None
    levels: StoredKey | None = None
    stopped: dict[str, StoredKey] | None = None


class StoredRefit(msgspec.Struct):
    """See ``tracehound.detectors.application.models.Refit``; the sample is checked by the detector that it is of."""

    detector: str
    sample: list[Any]
    started_at_count: Counted
    due_at_count: Counted
    started_s: Moment
    why: str


class StoredDeviation(msgspec.Struct, array_like=True):
    """What deviates, of which kind, and the fields of ``tracehound.detectors.application.models.Published``."""

    what: str
    kind: AnomalyKind
    at_s: Moment
    rank: _Rank
    alarm_s: Moment
    seen: Counted
    told: Counted


class StoredFeedback(msgspec.Struct):
    """See ``tracehound.detectors.telling.feedback``; ``expected`` are two moments."""

    memory: dict[str, Any]
    peaks: list[Any]
    expected: tuple[Since, Since]


class StoredState(msgspec.Struct):
    """A snapshot: ``operations``, and called peers and queues of each kind, in order of appearance."""

    key: tuple[Name, Annotated[str, msgspec.Meta(max_length=200)]]
    numbers: StoredNumbers
    banks: dict[str, Any]
    silence: dict[str, Any]
    refits: Annotated[list[StoredRefit], msgspec.Meta(max_length=_DETECTORS)]
    published: Annotated[list[StoredDeviation], msgspec.Meta(max_length=REMEMBERED)]
    calls: list[dict[str, StoredKey]]
    operations: dict[str, StoredOperation]
    feedback: StoredFeedback | None = None
    clock: dict[str, Any] | None = None
    levels: dict[str, Any] | None = None
    sampling: dict[str, Any] | None = None
    stopped: dict[str, Any] | None = None
    queues: dict[str, StoredKey] = {}
    answered: dict[str, StoredKey] = {}
    idle: list[dict[str, Counted]] = []

    @property
    def keyed(self) -> tuple[dict[str, StoredKey], ...]:
        """By kind and name the states of called peers and queues; of queues there are none in states of before."""
        return (*self.calls, self.queues)

"""The state of one application, with all its operations, as a snapshot and back."""

from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from tracehound.detectors.alarms.silence import SilenceWatch
from tracehound.detectors.application.models import ApplicationModels, Published, Refit
from tracehound.detectors.ensemble import state as ensemble_state
from tracehound.detectors.ensemble.ensemble import Ensemble
from tracehound.detectors.packed.snapshot import pack, unpack
from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.execution import ApplicationKey

_NUMBERS = (
    *("seen", "trained_s", "silent_since_s", "release_s", "versions", "prior"),
    *("next_refit", "asked_refit", "asked_why", "last_refit"),
)


@dataclass(frozen=True, slots=True)
class StoredApplication:
    """A snapshot that has been read: ``operations`` maps their names, in order of appearance, to their state, and
    ``calls`` does the same with called peers, one mapping per entry of ``detectors.features.batch.CALL_SIGNALS``.
    """

    key: ApplicationKey
    operations: dict[str, dict[str, Any]]
    calls: list[dict[str, Any]]
    state: dict[str, Any]


def take(application: ApplicationModels, ensemble: Ensemble, silence: SilenceWatch) -> bytes:
    """Snapshot of an application."""
    operations = {
        operation.name: {
            "banks": ensemble_state.snapshot_operation(ensemble, operation.slot),
            "seen": operation.seen,
            "profile": {"learned": operation.profile.learned, "averages": operation.profile.averages},
            "path_names": [[path, *names] for path, names in operation.path_names.items()],
        }
        for operation in application.operations.values()
    }
    return pack(
        {
            "key": list(application.key),
            "numbers": {name: getattr(application, name) for name in _NUMBERS},
            "banks": ensemble_state.snapshot_application(ensemble, application.slot),
            "silence": silence.snapshot(application.slot),
            "refits": [asdict(refit) | {"sample": list(refit.sample)} for refit in application.refits],
            "published": [
                [*key, last.at_s, last.rank, last.alarm_s, last.seen, last.told]
                for key, last in application.published.items()
            ],
            "feedback": {
                "memory": application.feedback.stored(),
                "peaks": application.peaks.stored(),
                "expected": [application.expected_s, application.expected_until_s],
            },
            "calls": [
                {peer: chart.snapshot(slot) for peer, slot in peers.items()}
                for chart, peers in zip(ensemble.charts.calls, application.calls, strict=True)
            ],
            "operations": operations,
        }
    )


def read(snapshot: bytes) -> StoredApplication:
    """Read a snapshot.

    Raises:
        SnapshotError: it is damaged or of another version.
    """
    state = unpack(snapshot)
    try:
        application, environment = state["key"]
        calls = [dict(peers) for peers in state["calls"]]
        return StoredApplication((str(application), str(environment)), dict(state["operations"]), calls, state)
    except (KeyError, TypeError, ValueError) as error:
        raise SnapshotError(f"The snapshot does not say whose it is: {error!r}") from error


def fill(stored: StoredApplication, application: ApplicationModels, ensemble: Ensemble, silence: SilenceWatch) -> None:
    """Put a stored state into an application that has just been opened with the same operations.

    Raises:
        SnapshotError: a part is missing or does not fit. The application must then be forgotten.
    """
    state = stored.state
    try:
        for name in _NUMBERS:
            setattr(application, name, state["numbers"][name])
        ensemble_state.restore_application(ensemble, application.slot, state["banks"])
        silence.restore(application.slot, state["silence"])
        application.refits = [Refit(**{**refit, "sample": tuple(refit["sample"])}) for refit in state["refits"]]
        application.published = {(operation, kind): Published(*last) for operation, kind, *last in state["published"]}
        _fill_feedback(application, state)
        for chart, slots, peers in zip(ensemble.charts.calls, application.calls, stored.calls, strict=True):
            for peer, content in peers.items():
                chart.restore(slots[peer], content)
        for name, content in stored.operations.items():
            operation = application.operations[name]
            ensemble_state.restore_operation(ensemble, operation.slot, content["banks"])
            operation.seen = content["seen"]
            operation.path_names = {path: (name, part) for path, name, part in content["path_names"]}
            operation.profile.learned = content["profile"]["learned"]
            operation.profile.averages = content["profile"]["averages"]
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, msgspec.ValidationError) as error:
        raise SnapshotError(f"The snapshot of {stored.key[0]} does not fit this tracehound: {error!r}") from error


def _fill_feedback(application: ApplicationModels, state: dict[str, Any]) -> None:
    stored = state.get("feedback")
    if stored is None:  # it was taken before there was any
        return
    application.feedback.restore(stored["memory"])
    application.peaks.restore(stored["peaks"])
    application.expected_s, application.expected_until_s = map(float, stored["expected"])

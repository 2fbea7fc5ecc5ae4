"""The state of one application, with all its operations, as a snapshot and back."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import msgspec
import numpy as np

from tracehound.detectors.application.models import ApplicationModels, OperationModels, Published, Refit
from tracehound.detectors.ensemble import state as ensemble_state
from tracehound.detectors.ensemble.ensemble import Ensemble
from tracehound.detectors.features.batch import KEYED_SIGNALS, QUEUES
from tracehound.detectors.features.contrast import Contrast, Usual
from tracehound.detectors.packed.snapshot import UNREADABLE, decompressed, pack, with_arrays
from tracehound.detectors.scoring.stored import (
    StoredContrast,
    StoredDeviation,
    StoredNumbers,
    StoredOperation,
    StoredRefit,
    StoredState,
    StoredVersions,
)
from tracehound.detectors.scoring.watches import Watches
from tracehound.detectors.settings import LONGEST_DELAY, DetectionSettings
from tracehound.schemas.errors import SnapshotError

MOST_RESTORED = 10_000
"""Operations, and called services of a kind, that a state may have, where the settings do not allow more of them."""
_WITH_ARRAYS = ("banks", "silence", "clock", "levels", "sampling", "stopped")
"""Parts of a state that are dicts of dicts, of one application each."""
_decode = msgspec.msgpack.Decoder(StoredState).decode
_NUMBERS = tuple(name for name in StoredNumbers.__struct_fields__ if name not in StoredVersions.__struct_fields__)


def take(application: ApplicationModels, ensemble: Ensemble, watches: Watches) -> bytes:
    """Snapshot of an application."""
    operations = {
        operation.name: {
            "banks": ensemble_state.snapshot_operation(ensemble, operation.slot),
            "seen": operation.seen,
            "idle": operation.idle,
            "profile": {"learned": operation.profile.learned, "averages": operation.profile.averages},
            "path_names": [[path, *names] for path, names in operation.path_names.items()],
            "contrast": _contrast(operation.contrast),
            "levels": watches.levels.snapshot_operation(operation.slot),
            "stopped": watches.stopped.snapshot_operation(operation.slot),
        }
        for operation in application.operations.values()
    }
    return pack(
        {
            "key": list(application.key),
            "numbers": {name: getattr(application, name) for name in _NUMBERS} | application.versions.stored(),
            "banks": ensemble_state.snapshot_application(ensemble, application.slot),
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
                for chart, peers in zip(ensemble.charts.calls, application.calls[:QUEUES], strict=True)
            ],
            "queues": {
                queue: ensemble.charts.queues.snapshot(slot) for queue, slot in application.calls[QUEUES].items()
            },
            "operations": operations,
            "idle": [dict(names) for names in application.idle],
        }
        | watches.snapshot(application)
    )


def read(snapshot: bytes) -> StoredState:
    """Read a snapshot: what no bank keeps is checked, what banks keep is not yet.

    Raises:
        SnapshotError: it is damaged, of another version, or holds what cannot be.
    """
    plain = decompressed(snapshot)
    try:
        state = _decode(plain)
        for name in _WITH_ARRAYS:
            setattr(state, name, with_arrays(getattr(state, name)))
        for refit in state.refits:
            refit.sample = with_arrays(refit.sample)
        return state
    except msgspec.ValidationError as error:
        raise SnapshotError(f"The snapshot does not hold what it must: {error}.") from error
    except UNREADABLE as error:
        raise SnapshotError(f"The snapshot cannot be read: {error}") from error


def check_sizes(state: StoredState, settings: DetectionSettings) -> None:
    """The settings may have been lowered since the state was taken: then it may have more than they allow.

    Raises:
        SnapshotError: it has far more.
    """
    if len(state.keyed) != len(KEYED_SIGNALS):
        raise SnapshotError(f"The snapshot of {state.key[0]} must have called services of {QUEUES} kinds.")
    peers = max(map(len, state.keyed))
    for what, found, setting in (
        ("operations", len(state.operations), settings.operations_per_application),
        ("called services or queues", peers, settings.peers_per_application),
    ):
        if found > max(setting, MOST_RESTORED) + 1:
            raise SnapshotError(
                f"The snapshot of {state.key[0]} must have at most {setting} {what}. Got {found} instead."
            )


def fill(stored: StoredState, application: ApplicationModels, ensemble: Ensemble, watches: Watches) -> None:
    """Put a stored state into an application that has just been opened with the same operations.

    Raises:
        SnapshotError: a part is missing or does not fit. The application must then be forgotten.
    """
    try:
        for name in _NUMBERS:
            setattr(application, name, getattr(stored.numbers, name))
        application.versions.restore(stored.numbers.versions, stored.numbers.versions_seen or None)
        ensemble_state.restore_application(ensemble, application.slot, stored.banks)
        application.refits = [_refit(refit, stored.numbers.seen, ensemble) for refit in stored.refits]
        if len({(refit.detector, refit.started_at_count) for refit in application.refits}) < len(application.refits):
            raise ValueError("The refits of an application must have started at different counts.")
        application.published = {(one.what, one.kind): _published(one) for one in stored.published}
        if stored.feedback is not None:  # it was taken before there was any
            application.feedback.restore(stored.feedback.memory)
            application.peaks.restore(stored.feedback.peaks)
            application.expected_s, application.expected_until_s = stored.feedback.expected
        for chart, slots, peers in zip(ensemble.charts.keyed, application.calls, stored.keyed, strict=True):
            chart.restore_many(np.array([slots[peer] for peer in peers], np.int64), list(peers.values()))
        if stored.idle:
            application.idle = _of_known(stored.idle, application.calls)
        _fill_operations(stored.operations, application.operations, ensemble)
        watches.restore(application, stored)
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise SnapshotError(f"The snapshot of {stored.key[0]} does not fit this tracehound: {error!r}") from error


def _fill_operations(
    stored: dict[str, StoredOperation], operations: dict[str, OperationModels], ensemble: Ensemble
) -> None:
    slots = np.array([operations[name].slot for name in stored], np.int64)
    ensemble_state.restore_operations(ensemble, slots, [one.banks for one in stored.values()])
    for name, one in stored.items():
        operation = operations[name]
        operation.seen, operation.idle = one.seen, one.idle
        operation.path_names = {path: (segment, part) for path, segment, part in one.path_names}
        operation.profile.learned, operation.profile.averages = one.profile.learned, one.profile.averages
        if one.contrast is not None:  # 0.1.0 had none
            operation.contrast = _contrast_of(one.contrast)


def _contrast(known: Contrast) -> list[Any] | None:
    """What ``StoredContrast`` reads; None where nothing is known."""
    if not known.samples and not known.recent:
        return None
    usual = {name: [one.count, one.counts] for name, one in known.usual.items()}
    return [known.samples, usual, known.left_out, known.recent]


def _contrast_of(stored: StoredContrast) -> Contrast:
    usual = {name: Usual(count, counts) for name, (count, counts) in stored.usual.items()}
    recent = [(at_s, kinds, tuple(pairs)) for at_s, kinds, pairs in stored.recent]
    return Contrast(stored.samples, usual, stored.left_out, recent)


def _of_known(idle: Sequence[dict[str, int]], calls: tuple[dict[str, int], ...]) -> tuple[dict[str, int], ...]:
    """The periods of names that have a place."""
    return tuple({name: one[name] for name in known if name in one} for one, known in zip(idle, calls, strict=True))


def _published(stored: StoredDeviation) -> Published:
    return Published(stored.at_s, stored.rank, stored.alarm_s, stored.seen, stored.told)


def _refit(stored: StoredRefit, seen: int, ensemble: Ensemble) -> Refit:
    if not stored.started_at_count <= seen or not 0 < stored.due_at_count - stored.started_at_count <= LONGEST_DELAY:
        raise ValueError(
            f"A refit must have started before {seen} executions, and take effect within {LONGEST_DELAY}. "
            f"Got {stored.started_at_count} and {stored.due_at_count} instead."
        )
    bank, sample = ensemble.refitted().get(stored.detector), tuple(stored.sample)
    fields = msgspec.structs.asdict(stored)
    return Refit(**{**fields, "sample": sample if bank is None else bank.checked_sample(sample)})

"""The state of an ensemble: of one operation or application, in every detector of that scope, and back; its size."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from tracehound.detectors.bank import Bank, Slots, State
from tracehound.detectors.calibration.calibration import PER_CHANNEL
from tracehound.detectors.ensemble.ensemble import Ensemble
from tracehound.detectors.packed.stored_columns import RestoredTogether, StoredKey, plain


class StoredBanks(msgspec.Struct):
    """What ``snapshot_operation`` gives, as it is read: of each detector one state, or several by name."""

    charts: dict[str, StoredKey]
    structure: StoredKey
    structure_changes: StoredKey
    drift: StoredKey
    banks: dict[str, StoredKey]
    bursts: StoredKey | None = None


def snapshot_operation(ensemble: Ensemble, slot: int) -> dict[str, Any]:
    """The state of an operation in every detector of that scope."""
    return {
        "charts": ensemble.charts.snapshot_operation(slot),
        "structure": ensemble.structure.snapshot(slot),
        "structure_changes": ensemble.structure_changes.snapshot(slot),
        "drift": ensemble.drift.snapshot(slot),
        "banks": _snapshot_detectors(ensemble, "operation", slot),
        **_of_logs(ensemble.bursts.snapshot(slot)),
    }


def snapshot_application(ensemble: Ensemble, slot: int) -> dict[str, Any]:
    """The state of an application in every detector of that scope."""
    return {
        "charts": ensemble.charts.snapshot_application(slot),
        "exposure": ensemble.exposure.snapshot(slot),
        "error_types": ensemble.error_types.snapshot(slot),
        "windows": ensemble.windows.snapshot(slot),
        "channels": ensemble.channel_names(),
        "calibration": ensemble.calibration.snapshot(slot),
        "banks": _snapshot_detectors(ensemble, "application", slot),
        "score_pools": {name: chart.snapshot_pool(slot) for name, chart in ensemble.charted_scores()},
        **_of_logs(ensemble.bursts.snapshot_group(slot)),
    }


def _of_logs(bursts: State | None) -> dict[str, State]:
    """What only log events leave behind."""
    return {} if bursts is None else {"bursts": bursts}


def _snapshot_detectors(ensemble: Ensemble, scope: str, slot: int) -> dict[str, State]:
    state: dict[str, State] = {}
    for bank, chart in zip(ensemble.detectors, ensemble.score_charts, strict=True):
        if bank.scope == scope:
            state[bank.name] = bank.snapshot(slot)
            if chart is not None:
                state[f"chart {bank.name}"] = chart.snapshot(slot)
    return state


def restore_operations(ensemble: Ensemble, slots: Slots, states: Sequence[StoredBanks]) -> None:
    """Take over the states of operations; a bank that a state does not know stays fresh."""
    ensemble.charts.restore_operations(slots, [state.charts for state in states])
    ensemble.structure.restore_many(slots, [state.structure for state in states])
    ensemble.structure_changes.restore_many(slots, [state.structure_changes for state in states])
    ensemble.drift.restore_many(slots, [state.drift for state in states])
    for bank, chart in zip(ensemble.detectors, ensemble.score_charts, strict=True):
        if bank.scope == "operation":
            known = [place for place, state in enumerate(states) if bank.name in state.banks]
            _restore_bank(bank, slots[known], [states[place].banks[bank.name] for place in known])
            if chart is not None:
                chart.restore_many(slots[known], [states[place].banks[f"chart {bank.name}"] for place in known])
    for slot, state in zip(slots.tolist(), states, strict=True):
        if state.bursts is not None:
            ensemble.bursts.restore(slot, {name: plain(value) for name, value in state.bursts.items()})


def _restore_bank(bank: Bank, slots: Slots, states: Sequence[StoredKey]) -> None:
    if isinstance(bank, RestoredTogether):
        bank.restore_many(slots, states)
        return
    for slot, state in zip(slots.tolist(), states, strict=True):
        bank.restore(slot, {name: plain(value) for name, value in state.items()})


def restore_application(ensemble: Ensemble, slot: int, state: dict[str, Any]) -> None:
    """Take over an application's state; a bank or channel that the state does not know stays fresh."""
    ensemble.charts.restore_application(slot, state["charts"])
    ensemble.exposure.restore(slot, state["exposure"])
    ensemble.error_types.restore(slot, state["error_types"])
    ensemble.windows.restore(slot, state["windows"])
    _restore_calibration(ensemble, slot, state["channels"], state["calibration"])
    for name, chart in ensemble.charted_scores():
        if name in state["score_pools"]:
            chart.restore_pool(slot, state["score_pools"][name])
    for bank, charted in zip(ensemble.detectors, ensemble.score_charts, strict=True):
        if bank.scope == "application" and bank.name in state["banks"]:
            bank.restore(slot, state["banks"][bank.name])
            if charted is not None:
                charted.restore(slot, state["banks"][f"chart {bank.name}"])
    if "bursts" in state:
        ensemble.bursts.restore_group(slot, state["bursts"])


def _restore_calibration(ensemble: Ensemble, slot: int, names: list[str], stored: dict[str, Any]) -> None:
    """Take over a calibration channel by channel: the detectors that run may be others than when it was stored."""
    if not isinstance(names, list) or len(set(names)) != len(names):
        raise ValueError(f"The channels of a calibration must be names without repetition. Got {names!r:.80} instead.")
    places = {name: place for place, name in enumerate(names)}
    known = [name for name in ensemble.channel_names() if name in places]
    now, then = [ensemble.channel(name) for name in known], [places[name] for name in known]
    fresh: dict[str, Any] = dict(ensemble.calibration.snapshot(slot))
    state = dict(stored)
    for name in PER_CHANNEL:
        state[name], known_before = fresh[name], np.asarray(stored[name])
        if known_before.dtype != fresh[name].dtype or len(known_before) != len(names):
            raise ValueError(f"The {name!r} of a calibration must be {fresh[name].dtype} of {len(names)} channels.")
        state[name][now] = known_before[then]
    ensemble.calibration.restore(slot, state)


def nbytes(ensemble: Ensemble, operations: int, applications: int, calls: int) -> int:
    """Bytes that so many operations, applications and called peers take, with what rows and entries hold now."""
    per_operation = ensemble.structure_changes.nbytes() + ensemble.bursts.nbytes()
    per_application = ensemble.calibration.nbytes() + ensemble.windows.nbytes() + ensemble.error_types.nbytes()
    per_application += ensemble.bursts.group_nbytes() + ensemble.exposure.nbytes()
    together = ensemble.charts.nbytes(operations, applications, calls)
    together += ensemble.structure.nbytes() + ensemble.drift.nbytes_now(operations)
    for bank, chart in zip(ensemble.detectors, ensemble.score_charts, strict=True):
        keys = operations if bank.scope == "operation" else applications
        together += keys * bank.nbytes(0) + (chart.nbytes_now(keys, applications) if chart is not None else 0)
    return operations * per_operation + applications * per_application + together

"""The state of an ensemble: of one operation or application, in every detector of that scope, and back; its size."""

from typing import Any

import numpy as np

from tracehound.detectors.bank import State
from tracehound.detectors.calibration.calibration import PER_CHANNEL
from tracehound.detectors.ensemble.ensemble import Ensemble


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


def restore_operation(ensemble: Ensemble, slot: int, state: dict[str, Any]) -> None:
    """Take over an operation's state; a bank that the state does not know stays fresh."""
    ensemble.charts.restore_operation(slot, state["charts"])
    ensemble.structure.restore(slot, state["structure"])
    ensemble.structure_changes.restore(slot, state["structure_changes"])
    ensemble.drift.restore(slot, state["drift"])
    _restore_detectors(ensemble, "operation", slot, state["banks"])
    if "bursts" in state:
        ensemble.bursts.restore(slot, state["bursts"])


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
    _restore_detectors(ensemble, "application", slot, state["banks"])
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


def _restore_detectors(ensemble: Ensemble, scope: str, slot: int, state: dict[str, State]) -> None:
    for bank, chart in zip(ensemble.detectors, ensemble.score_charts, strict=True):
        if bank.scope == scope and bank.name in state:
            bank.restore(slot, state[bank.name])
            if chart is not None:
                chart.restore(slot, state[f"chart {bank.name}"])


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

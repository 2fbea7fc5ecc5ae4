"""The model event of a level that drifted within a week, with the sentence that says how far."""

from tracehound.detectors.alarms.events import model_event
from tracehound.detectors.application.models import ApplicationModels
from tracehound.detectors.levels.watch import LevelFinding
from tracehound.schemas.model_event import LevelChange, ModelChange, ModelEvent

MOST_NAMED = 20
"""Operations that one event names."""
_UNITS = {"duration_ms": "ms", "error_rate": "share", "traffic": "1/d"}


def level_changed(application: ApplicationModels, finding: LevelFinding, now_s: float) -> ModelEvent:
    """Operations of an application do something more, or less, than a week ago, and came there in many steps."""
    names = {operation.slot: operation.name for operation in application.operations.values()}
    operations = [names[slot] for slot in finding.slots]
    first, more = operations[0], len(operations) - 1
    others = "" if not more else f", and so did {'another operation' if more == 1 else f'{more} other operations'}"
    sentence = (
        f"{first} of {application.key[0]} {_did(finding)}, in steps of at most {100.0 * (finding.step - 1.0):.0f} % a "
        f"day{others}."
    )
    level = LevelChange(
        finding.signal, _UNITS[finding.signal], finding.before, finding.after, operations[:MOST_NAMED], more + 1
    )
    key, seen, model = application.key, application.operations[first].seen, f"daily-levels {finding.signal}"
    change = ModelChange(*key, first, model, "level_changed", learned=seen, needed=0, sentence=sentence, level=level)
    return model_event(now_s, change)


def _did(finding: LevelFinding) -> str:
    """What the first operation does.

    >>> _did(LevelFinding(0, "duration_ms", [0], 120.4, 610.3, 1.3))
    'took 120 ms a week ago and took 610 ms yesterday'
    >>> _did(LevelFinding(0, "error_rate", [0], 0.004, 0.021, 1.3))
    'failed in 0.4 % of its executions a week ago and failed in 2.1 % yesterday'
    """
    if finding.signal == "duration_ms":
        return f"took {finding.before:.3g} ms a week ago and took {finding.after:.3g} ms yesterday"
    if finding.signal == "error_rate":
        before, after = 100.0 * finding.before, 100.0 * finding.after
        return f"failed in {before:.2g} % of its executions a week ago and failed in {after:.2g} % yesterday"
    return f"ran {finding.before:,.0f} times a day a week ago and ran {finding.after:,.0f} times yesterday"

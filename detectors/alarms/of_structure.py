"""Alarms of the structure of executions: other segments than usual, or too much time in one of them."""

from tracehound.detectors.application.subject import Subject
from tracehound.detectors.ensemble.ensemble import Judgements
from tracehound.detectors.features.paths import WHOLE, named_paths
from tracehound.detectors.features.profile import COUNT_COLUMN, TIME_COLUMN, parts
from tracehound.detectors.packed.probability import sigma_of_score
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling import explanation
from tracehound.detectors.telling.alarm import Alarm, Explanation
from tracehound.detectors.telling.deviation import Deviation
from tracehound.detectors.telling.severity import Evidence, effect_of, severity_of

_ABOUT = {1: "set", 2: "new", 3: "missing", 4: "count", 5: "time"}
_OTHER_NAMES = ("other segments", "other segments")


def structure_alarm(
    subject: Subject, judged: Judgements, score: float, settings: DetectionSettings, changed: bool
) -> Alarm | None:
    """The alarm of an execution's structure by itself, or (``changed``) of a change that several executions show.

    Too much time in a segment is an alarm of latency, of the execution alone.
    """
    row, structure = subject.row, judged.structure
    about = _ABOUT.get(int(structure.about[row]))
    typical, actual = float(structure.typical[row]), float(structure.actual[row])
    high = float(structure.high[row])
    usual = (0.0, high if typical <= high < actual else typical)
    if about == "set":  # of no segment there are too many or too few: it is one set that is not usual
        actual = 1.0
    elif about == "missing":
        usual = (typical, typical)
    path = int(structure.culprit[row])
    if about is None or (changed and about == "time"):
        return None
    sigma = float(judged.structure_change[row]) if changed else sigma_of_score(float(judged.structure_score[row]))
    if about == "time":
        deviation = Deviation(
            "duration_ms" if path == WHOLE else "segment_ms", "ms", typical, actual, usual, score, sigma
        )
        return _slow(subject, path, deviation, settings)
    evidence = Evidence("structure", sigma=sigma if changed else 0.0, effect=effect_of(actual, typical))
    severity = severity_of(evidence, settings)
    operation = subject.operation.name

    def explain() -> Explanation:
        name, part = _named(subject, path)
        contributions = {part: 1.0}
        if about == "count":
            contributions = subject.operation.profile.excess(parts(subject.execution, 0.0), COUNT_COLUMN)
        return Explanation(contributions, explanation.structure_sentence(operation, about, name, actual, typical))

    deviation = Deviation(
        signal=f"structure_{about}",
        unit="segments",
        typical=typical,
        actual=actual,
        bounds=usual,
        score=score,
        sigma=sigma,
    )
    return Alarm("structure", severity, "structure", deviation, operation, operation, explain)


def _slow(subject: Subject, path: int, deviation: Deviation, settings: DetectionSettings) -> Alarm:
    """One execution with too much time in a segment, or as a whole; milliseconds."""
    typical, actual = deviation.typical, deviation.actual
    evidence = Evidence("latency", effect=effect_of(actual, typical), excess=actual - typical)
    severity, operation = severity_of(evidence, settings), subject.operation.name

    def explain() -> Explanation:
        found = parts(subject.execution, subject.self_ms)
        contributions = subject.operation.profile.excess(found, TIME_COLUMN)
        if path == WHOLE:
            numbers = (actual, typical, deviation.bounds, True)
            reason = explanation.latency_sentence(operation, "duration_ms", *numbers, contributions)
        else:
            reason = explanation.structure_sentence(operation, "time", _named(subject, path)[0], actual, typical)
        return Explanation(contributions, reason)

    return Alarm("latency", severity, "structure", deviation, operation, operation, explain)


def _named(subject: Subject, path: int) -> tuple[str, str]:
    """A path's readable name, and the part it belongs to; of one that is missing, as remembered."""
    found = named_paths(subject.execution).get(path) or subject.operation.path_names.get(path)
    return found or _OTHER_NAMES

"""What models are to learn of verdicts: the patterns of the anomalies that were judged, for each application."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from tracehound.detectors.incidents.evidence import SILENCE
from tracehound.detectors.incidents.seen_anomaly import SeenAnomaly
from tracehound.detectors.telling.deviation import size_of
from tracehound.detectors.telling.feedback import largest
from tracehound.schemas.anomaly import Anomaly
from tracehound.schemas.control import Control
from tracehound.schemas.feedback import PATTERNS, Judgement, Lesson, Maintenance, Pattern, Verdict

JUDGEABLE, TAUGHT = 5_000, 1_000
"""Anomalies whose patterns are known, and subjects that something was taught of; of more, the oldest are forgotten."""


class Taught(msgspec.Struct, array_like=True):
    """Which applications of an environment learned of a subject, when it had so many ``anomalies``."""

    environment: str
    applications: list[str]
    anomalies: int


class TeachingState(msgspec.Struct, array_like=True):
    """What is saved: anomalies by the digests of their ids, and what was taught by subject; oldest first."""

    anomalies: dict[bytes, SeenAnomaly] = {}
    taught: dict[str, Taught] = {}


class Teaching:
    """Makes lessons of verdicts. ``state`` is changed in place; ``seen`` gives the incident of each anomaly."""

    def __init__(self, state: TeachingState, seen: Mapping[bytes, int]) -> None:
        self._state = state
        self._seen = seen
        self._controls: list[Control] = []

    def take(self) -> list[Control]:
        """The lessons since the last call, in order."""
        controls, self._controls = self._controls, []
        return controls

    def remember(self, digest: bytes, anomaly: Anomaly, at_s: float) -> None:
        """An anomaly that may be judged from now on."""
        anomalies = self._state.anomalies
        anomalies[digest] = SeenAnomaly.of(anomaly, at_s)
        if len(anomalies) > JUDGEABLE:
            del anomalies[next(iter(anomalies))]

    def silence_ended(self, application: str, environment: str, since_s: float, until_s: float) -> None:
        """A silence is as large as it became, not as it was when it was noticed."""
        for one in reversed(self._state.anomalies.values()):
            if (one.signal, one.application, one.environment) == (SILENCE, application, environment):
                if since_s < one.at_s < until_s:
                    one.size += size_of(SILENCE, "ms", 1000.0 * (one.at_s - since_s), 1000.0 * (until_s - since_s))
                return

    def knows(self, verdict: Verdict) -> bool:
        """Whether something was taught of the verdict's subject before."""
        return verdict.subject_id in self._state.taught

    def judge(self, verdict: Verdict, digest: bytes, numbers: Collection[int]) -> list[SeenAnomaly]:
        """Teach a verdict on the anomaly of ``digest``, or on the incidents with these ``numbers``; returns what it is
        on, as far as that is known, nothing where it is withdrawn.
        """
        anomaly = self._state.anomalies.get(digest)
        found = [] if anomaly is None else [anomaly]
        if digest not in self._seen:
            found = self._of_incidents(numbers)
        found = [] if verdict.withdrawn else found
        self._teach(verdict, found)
        return found

    def expect(self, incident_id: str, numbers: Collection[int], window: Maintenance, now_s: float) -> None:
        """Teach that what an incident showed within a maintenance window was expected, if there is anything new."""
        found = [
            one
            for one in self._of_incidents(numbers)
            if window.application in ("", one.application) and window.starts_at <= one.at_s < window.ends_at
        ]
        before = self._state.taught.get(incident_id)
        if found and (before is None or before.anomalies < len(found)):
            judgement: Judgement = "expected_change"
            self._teach(Verdict(incident_id, judgement, now_s, f"the maintenance window {window.window_id}"), found)

    def _of_incidents(self, numbers: Collection[int]) -> list[SeenAnomaly]:
        return [one for digest, one in self._state.anomalies.items() if self._seen.get(digest) in numbers]

    def _teach(self, verdict: Verdict, found: Sequence[SeenAnomaly]) -> None:
        patterns: dict[str, list[Pattern]] = {}
        taught = self._state.taught.pop(verdict.subject_id, None)
        environment = "" if taught is None else taught.environment
        for one in found:
            environment = one.environment
            patterns.setdefault(one.application, []).append(one.pattern)
        applications = sorted({*patterns, *(() if taught is None else taught.applications)})
        if not applications:
            return
        for application in applications:
            newest = sorted(largest(patterns.get(application, ())), key=lambda one: -one.at_s)[:PATTERNS]
            self._controls.append(_control(application, environment, verdict, newest))
        if not verdict.withdrawn:
            self._state.taught[verdict.subject_id] = Taught(environment, applications, len(found))
        if len(self._state.taught) > TAUGHT:
            del self._state.taught[next(iter(self._state.taught))]


def _control(application: str, environment: str, verdict: Verdict, patterns: list[Pattern]) -> Control:
    lesson = Lesson(verdict.subject_id, verdict.judgement, verdict.judged_at, patterns, verdict.by, verdict.withdrawn)
    return Control("feedback", application, environment, verdict.judged_at, lesson=lesson)

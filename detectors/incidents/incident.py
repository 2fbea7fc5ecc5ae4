"""The state of one incident, of bounded size: who deviates, in what, how gravely, and what was told of it."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from tracehound.detectors.incidents.evidence import SILENCE, CauseEvidence, evidence_of
from tracehound.detectors.incidents.habits import PATTERNS, pattern_of
from tracehound.detectors.incidents.seen_anomaly import SeenAnomaly
from tracehound.detectors.incidents.shown import Shown
from tracehound.detectors.telling.deviation import ERROR_TYPE
from tracehound.schemas.anomaly import SEVERITIES, Anomaly, AnomalyEvent, AnomalyKind
from tracehound.schemas.incident import Recurrence, TopAnomaly
from tracehound.schemas.progress import Progress

OPERATIONS, EVIDENCE, KEYS, TOP, EXEMPLARS, JUDGED, MERGED = 5_000, 300, 2_000, 5, 10, 1_000, 1_000
"""The most operations that are counted, pieces of evidence (for a while up to twice as many), keys of what deviates,
gravest anomalies, trace ids, anomalies judged by people, and incidents merged into it that are kept of an incident."""
MOST = 0.5
"""The share of executions from which on it is most of them that fail."""

LEARNED_AT_ONCE = ("structure_missing", "structure_count")
"""Signals of changes that are learned as they are seen, and so are never seen to go on. A segment that is new is one
too, but it is another branch more often than not."""

Phase = Literal["pending", "open", "persisting", "resolved"]
"""*pending* while too little is known to tell anybody; the others as they are told."""
_MAJOR = SEVERITIES.index("major")
_CRITICAL = SEVERITIES.index("critical")


class Member(msgspec.Struct, array_like=True):
    """An application of an incident: anomalies by operation ("" where it is the application), and whether it is broken.

    Broken: one of its anomalies since the incident was opened is major or critical, and not of traffic that came.
    """

    operations: dict[str, int] = {}
    broken: bool = False


class Spell(msgspec.Struct, array_like=True):
    """What an incident has shown since event time ``since_s``, when it was opened, or opened again.

    ``worst`` and ``severity`` are places in ``SEVERITIES``: of the gravest anomaly, and the gravest that the incident
    had. ``occasions`` counts anomalies of different executions or windows, ``broken`` applications, ``silences``
    applications that fell silent; ``certain``: an anomaly was of more than one execution and is not seen to go on;
    ``executions`` are those of all members, ``affected`` those in operations that deviate. ``alarming``: whatever comes
    at this time on other days, it is to be told.
    """

    since_s: float
    anomalies: int = 0
    worst: int = 0
    severity: int = 0
    occasions: int = 0
    failing: bool = False
    erring: bool = False
    missed: bool = False
    certain: bool = False
    broken: int = 0
    silences: int = 0
    executions: int = 0
    affected: int = 0
    alarming: bool = False


class Told(msgspec.Struct, array_like=True):
    """What the last event said; ``clock_s`` is how far the application that led to it was scored.

    ``cause`` is the application that was suspected first, and ``weighed_s`` when suspects were last compared.
    ``recurring`` is there where it was told as what comes on other days, too.
    """

    clock_s: float
    severity: int
    silences: int
    applications: int
    anomalies: int
    muted_by: str | None
    cause: str | None = None
    weighed_s: float | None = None
    recurring: Recurrence | None = None


class TrackedIncident(msgspec.Struct, array_like=True):
    """One incident. ``number`` is its own within a book; times are event time in epoch seconds.

    ``evidence`` is kept by application, operation, signal and peer, ``keys`` by ``incident_key`` with the time of its
    last deviation, told or not. ``revision`` counts events. ``resolved_s`` is how far applications had been scored
    when it was resolved, ``ended_s`` its last deviation, ``held_by`` the member found last that is not quiet.
    ``dismissed_by`` says who judged it to be nothing, ``merged`` holds the numbers of incidents that it took in.
    ``shown`` has the patterns that deviated since it was opened, by application.
    """

    number: int
    incident_id: str
    environment: str
    opened_s: float
    spell: Spell
    seen_s: float
    phase: Phase = "pending"
    members: dict[str, Member] = {}
    evidence: dict[str, CauseEvidence] = {}
    keys: dict[str, float] = {}
    kinds: list[AnomalyKind] = []
    operation_count: int = 0
    anomaly_count: int = 0
    top: list[TopAnomaly] = []
    exemplars: list[str] = []
    judged: list[str] = []
    revision: int = 0
    told: Told | None = None
    reopened: int = 0
    resolved_s: float | None = None
    ended_s: float | None = None
    dismissed_by: str = ""
    held_by: str = ""
    storm: bool = False
    merged: list[int] = []
    shown: dict[str, dict[bytes, Shown]] = {}

    def add(self, event: AnomalyEvent, at_s: float, counted_s: float, missed: bool) -> None:
        """Take in an anomaly of event time ``at_s``, which counts as of ``counted_s``.

        ``missed``: it is the silence of an application that somebody misses.
        """
        anomaly = event.data
        if not self.spell.anomalies:  # what it was before it was resolved explains nothing now
            self.evidence, self.top, self.exemplars, self.shown = {}, [], [], {}
        self.spell.anomalies += 1
        self.anomaly_count += 1
        self.seen_s = max(self.seen_s, counted_s)
        self._add_key(anomaly.incident_key, counted_s)
        if anomaly.kind not in self.kinds:
            self.kinds.append(anomaly.kind)
        self._count_operation(anomaly.application, anomaly.operation, 1)
        self._judge(anomaly, missed)
        seen = SeenAnomaly.of(anomaly, counted_s)
        certain = anomaly.severity != "minor" or _is_of_several(anomaly)
        self._show(anomaly.application, pattern_of(seen), Shown(seen, certain=certain))
        for found in evidence_of(anomaly, at_s):
            self._add_evidence(found)
        self._add_exemplars(anomaly.exemplar_trace_ids)
        self._rank(event)

    def goes_on(self, key: str, counted_s: float) -> None:
        """What ``key`` (an ``incident_key``) stands for has deviated again, and was not told."""
        self._add_key(key, counted_s)
        self.seen_s = max(self.seen_s, counted_s)

    def count(self, progress: Progress) -> None:
        """Count executions of one of its applications, and those of them in operations that deviate."""
        operations = self.members[progress.application].operations
        self.spell.executions += progress.executions
        if "" in operations:
            self.spell.affected += progress.executions
        else:
            self.spell.affected += sum(count for name, count in progress.operations.items() if name in operations)

    def absorb(self, other: "TrackedIncident") -> None:
        """Take in everything of another incident, which ends."""
        for name, member in other.members.items():
            for operation, count in member.operations.items():
                self._count_operation(name, operation, count)
            self._break(name, member.broken)
        for found in other.evidence.values():
            self._add_evidence(found)
        for key, counted_s in other.keys.items():
            self._add_key(key, counted_s)
        for name, patterns in other.shown.items():
            for pattern, shown in patterns.items():
                self._show(name, pattern, shown)
        self.kinds += [kind for kind in other.kinds if kind not in self.kinds]
        self._add_exemplars(other.exemplars)
        self.top = _gravest([*self.top, *other.top])
        self.anomaly_count += other.anomaly_count
        self.judged = [*self.judged, *other.judged][:JUDGED]
        self.merged = [*self.merged, other.number, *other.merged][-MERGED:]
        self.seen_s = max(self.seen_s, other.seen_s)
        self._join_spell(other.spell)

    @property
    def quiet(self) -> bool:
        """Whether it was told as what comes on other days, too: nobody was alarmed."""
        return self.told is not None and self.told.recurring is not None

    @property
    def numbers(self) -> list[int]:
        """Its own number, and those of the incidents that it took in."""
        return [self.number, *self.merged]

    def begin_again(self, at_s: float) -> None:
        """Something deviates again after the incident was resolved."""
        self.phase, self.spell, self.seen_s = "pending", Spell(at_s), max(self.seen_s, at_s)
        self.held_by = ""
        for member in self.members.values():
            member.broken = False

    def _join_spell(self, other: Spell) -> None:
        mine = self.spell
        mine.since_s = min(mine.since_s, other.since_s)
        mine.worst, mine.severity = max(mine.worst, other.worst), max(mine.severity, other.severity)
        mine.anomalies += other.anomalies
        mine.occasions += other.occasions
        mine.failing, mine.erring = mine.failing or other.failing, mine.erring or other.erring
        mine.missed, mine.certain = mine.missed or other.missed, mine.certain or other.certain
        mine.silences += other.silences
        mine.executions += other.executions
        mine.affected += other.affected
        mine.alarming = mine.alarming or other.alarming

    def _judge(self, anomaly: Anomaly, missed: bool) -> None:
        rank, spell = SEVERITIES.index(anomaly.severity), self.spell
        spell.worst = max(spell.worst, rank)
        spell.missed = spell.missed or missed
        spell.certain = spell.certain or _is_of_several(anomaly)
        spell.silences += anomaly.signal == SILENCE
        spell.alarming = spell.alarming or rank >= _CRITICAL or anomaly.signal == SILENCE or _is_most(anomaly)
        if not anomaly.exemplar_trace_ids or anomaly.exemplar_trace_ids[0] not in self.exemplars:
            spell.occasions += 1
        if anomaly.kind == "errors":
            spell.erring = spell.erring or rank >= _MAJOR
            spell.failing = spell.failing or rank >= _CRITICAL
        came = anomaly.kind == "traffic" and anomaly.signal != SILENCE
        self._break(anomaly.application, rank >= _MAJOR and not came)

    def _show(self, application: str, pattern: bytes, shown: Shown) -> None:
        known = self.shown.setdefault(application, {})
        if pattern in known:
            known[pattern].add(shown)
        elif sum(map(len, self.shown.values())) < PATTERNS:
            known[pattern] = shown
        else:  # too much to be a habit
            self.spell.alarming = True

    def _break(self, application: str, broken: bool) -> None:
        member = self.members.setdefault(application, Member({}))
        if broken and not member.broken:
            member.broken = True
            self.spell.broken += 1

    def _count_operation(self, application: str, operation: str, count: int) -> None:
        operations = self.members.setdefault(application, Member({})).operations
        if operation in operations:
            operations[operation] += count
        elif self.operation_count < OPERATIONS:
            operations[operation] = count
            self.operation_count += 1

    def _add_key(self, key: str, counted_s: float) -> None:
        if key in self.keys or len(self.keys) < KEYS:
            self.keys[key] = max(counted_s, self.keys.get(key, counted_s))

    def _add_evidence(self, found: CauseEvidence) -> None:
        name = "\0".join((found.application, found.operation, found.signal, found.peer))
        known = self.evidence.get(name)
        if known is not None:
            known.add(found)
            return
        self.evidence[name] = found
        if len(self.evidence) >= 2 * EVIDENCE:  # half at a time: a storm has far more
            ranked = sorted(self.evidence, key=lambda one: (self.evidence[one].score, one))
            for weakest in ranked[:EVIDENCE]:
                del self.evidence[weakest]

    def _add_exemplars(self, trace_ids: Iterable[str]) -> None:
        for trace_id in trace_ids:
            if len(self.exemplars) < EXEMPLARS and trace_id not in self.exemplars:
                self.exemplars.append(trace_id)

    def _rank(self, event: AnomalyEvent) -> None:
        data = event.data
        if len(self.top) == TOP and _gravity(self.top[-1]) >= (SEVERITIES.index(data.severity), data.score):
            return
        found = TopAnomaly(
            event.id, event.time, data.application, data.operation, data.kind, data.severity, data.score, data.reason
        )
        self.top = _gravest([*self.top, found])


def _is_of_several(anomaly: Anomaly) -> bool:
    """Whether it is of more than one execution, and of a kind that is not seen to go on."""
    repeated = anomaly.signal == ERROR_TYPE and anomaly.actual > 1.0
    return repeated or anomaly.window is not None or anomaly.signal in LEARNED_AT_ONCE


def _is_most(anomaly: Anomaly) -> bool:
    """Whether most executions fail."""
    return anomaly.kind == "errors" and anomaly.unit == "share" and anomaly.actual >= MOST


def _gravity(anomaly: TopAnomaly) -> tuple[int, float]:
    return SEVERITIES.index(anomaly.severity), anomaly.score


def _gravest(anomalies: list[TopAnomaly]) -> list[TopAnomaly]:
    return sorted(anomalies, key=_gravity, reverse=True)[:TOP]

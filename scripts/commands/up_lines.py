"""What `tracehound up` says of what it reads: what arrives, what is refused and why, from when on it is judged."""

import time
from collections import Counter
from collections.abc import Callable, Iterator

from rich.text import Text

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.incident import IncidentEvent
from tracehound.schemas.model_event import ModelEvent
from tracehound.schemas.progress import Progress
from tracehound.scripts.commands.dead_letter_topic import StoredLetter
from tracehound.scripts.commands.identities import short
from tracehound.scripts.commands.severity_colours import SEVERITY_COLOURS
from tracehound.scripts.commands.terminal_text import printable

_EVERY_S = 10.0
_AT_ONCE = 5
_LABEL = 9


class UpLines:
    """Turns what the topics hold into lines, few enough to be read: the first of each kind at once, the rest counted.

    Parameters:
        clock: monotonic seconds.
        now: wall time in epoch seconds, for the time that stands before each line.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time) -> None:
        self._clock, self._now = clock, now
        self._operations: set[tuple[ApplicationKey, str]] = set()
        self._arrived: Counter[ApplicationKey] = Counter()
        self._failed: Counter[ApplicationKey] = Counter()
        self._unsaid: Counter[str] = Counter()
        self._at_once: Counter[str] = Counter()
        self._counted_s = clock()

    def arrived(self, progress: Progress) -> Iterator[Text]:
        """What was scored since the last record of an application: of a new operation at once, else by ``due``."""
        key = (progress.application, progress.environment)
        self._arrived[key] += progress.executions
        self._failed[key] += progress.errors
        for operation, count in progress.operations.items():
            if (key, operation) not in self._operations:
                self._operations.add((key, operation))
                executions = "1 execution" if count == 1 else f"{count:,} executions"
                yield from self._limited("arrived", "green", f"{_named(key)} {operation}: new, {executions}")

    def refused(self, stored: StoredLetter) -> Iterator[Text]:
        """A dead letter: why, and what shows all of it."""
        where = f"{stored.id.partition}-{stored.id.offset}"
        text = f"{where} {stored.letter.error}: {stored.letter.reason} (tracehound deadletters show {where})"
        yield from self._limited("refused", "red", text)

    def model(self, event: ModelEvent) -> Iterator[Text]:
        """What happened to models, above all from when on an operation is judged."""
        label = "judged" if event.data.change == "ready" else "model"
        yield from self._limited(label, "cyan", event.data.sentence)

    def anomaly(self, event: AnomalyEvent) -> Iterator[Text]:
        """What is unusual."""
        found = event.data
        about = f"{_named((found.application, found.environment))} {found.operation}".rstrip()
        said = f"{short(event.id)} {found.severity} {about}: {found.reason}"
        yield self._line("anomaly", SEVERITY_COLOURS[found.severity], said)

    def incident(self, event: IncidentEvent) -> Iterator[Text]:
        """What people are told of an incident."""
        incident = event.data
        cause = f" Suspected cause: {incident.suspected_cause.why}" if incident.suspected_cause else ""
        said = f"{short(incident.incident_id)} {incident.state} {incident.severity}: {incident.summary}{cause}"
        yield self._line("incident", SEVERITY_COLOURS[incident.severity], said)

    def due(self) -> Iterator[Text]:
        """Every ten seconds: how much arrived of each application, and how many lines were left out."""
        if self._clock() - self._counted_s < _EVERY_S:
            return
        self._counted_s = self._clock()
        for key, count in self._arrived.items():
            failed = f", {self._failed[key]:,} of them failed" if self._failed[key] else ""
            yield self._line("arrived", "green", f"{_named(key)}: {count:,} executions in {_EVERY_S:.0f} s{failed}")
        for label, count in self._unsaid.items():
            yield self._line(label, "dim", f"{count:,} more like these")
        for counted in (self._arrived, self._failed, self._unsaid, self._at_once):
            counted.clear()

    def _limited(self, label: str, colour: str, text: str) -> Iterator[Text]:
        self._at_once[label] += 1
        if self._at_once[label] <= _AT_ONCE:
            yield self._line(label, colour, text)
        else:
            self._unsaid[label] += 1

    def _line(self, label: str, colour: str, text: str) -> Text:
        at = time.strftime("%H:%M:%S", time.gmtime(self._now()))
        return Text.assemble((f"{at} ", "dim"), (f"{label:{_LABEL}}", colour), printable(text))


def _named(key: ApplicationKey) -> str:
    application, environment = key
    return f"{application} ({environment})" if environment else application

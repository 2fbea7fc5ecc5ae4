"""What the demo shows: faults next to what was detected; a live view on a terminal, else plain lines."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

from tracehound.schemas.incident import IncidentEvent
from tracehound.scripts.commands.identities import short
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.simulator.judge import Judgement, Verdict


@dataclass(slots=True)
class DemoState:
    """Everything that is shown. ``arrived_s`` has for each anomaly's id when it was received (epoch seconds);
    ``told`` are the events of incidents, in order."""

    phase: str = "starting"
    sent: int = 0
    scored: int = 0
    judgement: Judgement = field(default_factory=lambda: Judgement([]))
    arrived_s: Mapping[str, float] = field(default_factory=dict)
    told: list[IncidentEvent] = field(default_factory=list)

    def delay_s(self, verdict: Verdict) -> float | None:
        """Seconds from a fault's start until its first detection was received; None without one."""
        start_s = verdict.truth.fault.start_s
        return min((self.arrived_s[found.id] - start_s for _, found in verdict.detections), default=None)

    def first(self, verdict: Verdict) -> str:
        """The sentence of the detection received first, with its id."""
        _, found = min(verdict.detections, key=lambda pair: self.arrived_s[pair[1].id])
        data = found.data
        return printable(f"{short(found.id)} {data.application}, {data.kind}, {data.severity}: {data.reason}")


class DemoView:
    """Shows the state each time it is told to. Use it as a context manager.

    On a terminal the newest stands first, and what does not fit is counted: it is never the newest that is cut off.
    """

    def __init__(self, console: Console, false_alarm_bound: int, clock: Callable[[], float] = time.time) -> None:
        self._console = console
        self._bound = false_alarm_bound
        self._clock = clock
        self._live = Live(console=console, refresh_per_second=4, auto_refresh=False) if console.is_terminal else None
        self._said: set[str] = set()

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, trace)

    def show(self, state: DemoState) -> None:
        """Show what is new."""
        if self._live is not None:
            self._live.update(self._screen(state), refresh=True)
        else:
            self._lines(state)

    def _screen(self, state: DemoState) -> RenderableType:
        found = state.judgement
        detected = sum(state.delay_s(verdict) is not None for verdict in found.verdicts)
        incidents = _newest_first(state.told)
        false = [
            Text(printable(f"{short(one.id)} {one.data.application}, {one.data.kind}: {one.data.reason}"))
            for one in reversed(found.false_alarms)
        ]
        return _Screen(
            Text(self._headline(state), "bold"),
            (
                (f"Faults: {len(found.verdicts)} injected, {detected} detected", self._faults(state)),
                (f"Incidents, as people are told of them: {len(incidents)}", [_row(*_told(one)) for one in incidents]),
                (f"False alarms: {len(false)} (bound {self._bound})", false),
            ),
            Text(f"{found.collateral} further anomalies follow from the faults (callers, side effects).", "dim"),
        )

    def _faults(self, state: DemoState) -> list[RenderableType]:
        rows: list[RenderableType] = []
        for verdict in reversed(state.judgement.verdicts):
            delay_s, fault = state.delay_s(verdict), verdict.truth.fault
            if delay_s is None:
                outcome = Text(f"{self._clock() - fault.start_s:.0f} s …", "yellow")
            else:
                outcome = Text(f"after {delay_s:.1f} s", "bold green")
            said = [] if delay_s is None else [Text(state.first(verdict))]
            rows.append(_row(_time(fault.start_s), Group(Text(fault.describe(), "bold"), *said), outcome))
        return rows

    def _headline(self, state: DemoState) -> str:
        return f"{state.phase}: {state.sent:,} executions sent, {state.scored:,} scored"

    def _lines(self, state: DemoState) -> None:
        self._say(f"phase {state.phase}", self._headline(state))
        for number, verdict in enumerate(state.judgement.verdicts):
            fault = verdict.truth.fault
            self._say(f"fault {number}", f"{_time(fault.start_s)} injected  {fault.describe()}")
            delay_s = state.delay_s(verdict)
            if delay_s is not None:
                self._say(
                    f"detected {number}",
                    f"{_time(fault.start_s + delay_s)} detected  {fault.name} after {delay_s:.1f} s: "
                    f"{state.first(verdict)}",
                )
        for event in state.told:
            self._say(event.id, " ".join(_told(event)))
        for one in state.judgement.false_alarms:
            sentence = f"{one.data.application}, {one.data.kind}: {one.data.reason}"
            self._say(one.id, printable(f"{one.time[11:19]} false alarm  {short(one.id)} {sentence}"))

    def _say(self, once: str, line: str) -> None:
        if once not in self._said:
            self._said.add(once)
            self._console.print(Text(line), soft_wrap=True)


class _Screen:
    """A headline, sections of rows with the newest first, and a last line, cut to the height of the terminal.

    Each section gets at least its share of the lines; what one does not need goes to those after it.
    """

    def __init__(
        self, head: RenderableType, sections: Sequence[tuple[str, Sequence[RenderableType]]], foot: RenderableType
    ) -> None:
        self._head, self._sections, self._foot = head, sections, foot

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        fixed = len(console.render_lines(self._head, options)) + len(console.render_lines(self._foot, options))
        room = (options.max_height or console.height) - fixed - 1  # the cursor's line
        yield self._head
        for number, (title, rows) in enumerate(self._sections):
            share = room if number == len(self._sections) - 1 else max(2, round(room * _SHARES[number]))
            shown, used = _fitting(console, options, rows, share - 1)
            hidden = len(rows) - len(shown)
            yield Text(title + (f"; {hidden} earlier not shown" if hidden else ""), "underline")
            yield from shown
            room -= used + 1
        yield self._foot


_SHARES = (0.55, 0.75)
"""Of the lines that are left: for faults, and then for incidents."""


def _fitting(
    console: Console, options: ConsoleOptions, rows: Sequence[RenderableType], room: int
) -> tuple[list[RenderableType], int]:
    """As many of the rows, from the first on, as fit into so many lines, and how many lines they take."""
    shown: list[RenderableType] = []
    used = 0
    for row in rows:
        lines = console.render_lines(row, options)
        if used + len(lines) > room:
            if not shown and room > 0:  # the newest is shown, whatever its length
                return [_lines_only(lines[:room])], room
            break
        shown.append(row)
        used += len(lines)
    return shown, used


def _lines_only(lines: Sequence[Sequence[Segment]]) -> Segments:
    return Segments([segment for line in lines for segment in (*line, Segment.line())])


def _row(label: str, content: RenderableType, outcome: RenderableType = "") -> Table:
    row = Table.grid(padding=(0, 1), expand=True)
    row.add_column(no_wrap=True)
    row.add_column(ratio=1)
    row.add_column(no_wrap=True, justify="right")
    row.add_row(label, content, outcome)
    return row


def _newest_first(told: Sequence[IncidentEvent]) -> list[IncidentEvent]:
    """The last event of each incident, those first that were told of last."""
    last = {event.subject: event for event in told}
    return sorted(last.values(), key=lambda event: event.time, reverse=True)


def _told(event: IncidentEvent) -> tuple[str, str]:
    """An event of an incident: its time, and what is told."""
    incident = event.data
    cause = f" Suspected cause: {incident.suspected_cause.why}" if incident.suspected_cause else ""
    sentence = f"{short(incident.incident_id)} {incident.state}  {incident.severity}: {incident.summary}{cause}"
    return printable(event.time[11:19]), printable(f"incident {sentence}")


def _time(at_s: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(at_s))

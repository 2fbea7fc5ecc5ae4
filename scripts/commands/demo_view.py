"""What the demo shows: faults next to what was detected; a live table on a terminal, else plain lines."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tracehound.schemas.incident import IncidentEvent
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.simulator.judge import Judgement, Verdict

FALSE_ALARMS_SHOWN = 8
INCIDENTS_SHOWN = 6


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
        """The sentence of the detection received first."""
        _, found = min(verdict.detections, key=lambda pair: self.arrived_s[pair[1].id])
        return printable(f"{found.data.application}, {found.data.kind}, {found.data.severity}: {found.data.reason}")


class DemoView:
    """Shows the state each time it is told to. Use it as a context manager."""

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
            self._live.update(self._table(state), refresh=True)
        else:
            self._lines(state)

    def _table(self, state: DemoState) -> Group:
        table = Table(title="Faults injected, and what was detected", expand=True)
        table.add_column("injected", no_wrap=True)
        table.add_column("fault", ratio=2)
        table.add_column("detected", no_wrap=True)
        table.add_column("what the worker says", ratio=3)
        for verdict in state.judgement.verdicts:
            delay_s = state.delay_s(verdict)
            fault = verdict.truth.fault
            waiting = Text(f"{self._clock() - fault.start_s:.0f} s …", "yellow")
            table.add_row(
                _time(fault.start_s),
                Text(fault.describe()),
                waiting if delay_s is None else Text(f"after {delay_s:.1f} s", "bold green"),
                Text("" if delay_s is None else state.first(verdict)),
            )
        told = Text("\n".join(["Incidents, as people are told of them:", *map(_told, _newest(state.told))]))
        return Group(Text(self._headline(state), "bold"), table, told, Text(self._false_alarms(state)))

    def _headline(self, state: DemoState) -> str:
        return f"{state.phase}: {state.sent:,} executions sent, {state.scored:,} scored"

    def _false_alarms(self, state: DemoState) -> str:
        false = state.judgement.false_alarms
        shown = [
            printable(f"  false alarm: {one.data.application}, {one.data.kind}: {one.data.reason}")
            for one in false[-FALSE_ALARMS_SHOWN:]
        ]
        counted = f"{state.judgement.collateral} further anomalies follow from the faults (callers, side effects)."
        return "\n".join([counted, f"False alarms: {len(false)} (bound {self._bound})", *shown])

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
            self._say(event.id, _told(event))
        for one in state.judgement.false_alarms:
            self._say(
                one.id,
                printable(f"{one.time[11:19]} false alarm  {one.data.application}, {one.data.kind}: {one.data.reason}"),
            )

    def _say(self, once: str, line: str) -> None:
        if once not in self._said:
            self._said.add(once)
            self._console.print(Text(line), soft_wrap=True)


def _newest(told: Sequence[IncidentEvent]) -> list[IncidentEvent]:
    """The last event of each incident, of those that were told of last."""
    last = {event.subject: event for event in told}
    return sorted(last.values(), key=lambda event: event.time)[-INCIDENTS_SHOWN:]


def _told(event: IncidentEvent) -> str:
    """An event of an incident in one line."""
    incident = event.data
    cause = f" Suspected cause: {incident.suspected_cause.why}" if incident.suspected_cause else ""
    return printable(f"{event.time[11:19]} incident {incident.state}  {incident.severity}: {incident.summary}{cause}")


def _time(at_s: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(at_s))

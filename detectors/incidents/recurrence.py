"""Whether an incident is as it was at this time on other days, and no worse: then it is one quiet line."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tracehound.detectors.features.clock_changes import are_changed_on
from tracehound.detectors.incidents.environment import Environment
from tracehound.detectors.incidents.habits import LONGEST_S, Episode, HabitMemory, Habits, larger
from tracehound.detectors.incidents.incident import TrackedIncident
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.detectors.incidents.shown import Shown
from tracehound.detectors.telling.amounts import number
from tracehound.schemas.anomaly import SEVERITIES
from tracehound.schemas.incident import Recurrence

DAY_S: Final = 86_400.0
CLOCK_S: Final = 3_600.0
"""By how much clocks are changed."""
SLACK_S: Final = 300.0
"""What lasted for a minute may last for some."""
_CRITICAL = SEVERITIES.index("critical")
_LARGEST = 20.0


@dataclass(frozen=True, slots=True)
class _Rhythm:
    """What comes every ``every_s``, on ``needed`` of the last ``of_days`` such days or more."""

    every_s: float
    of_days: int
    needed: int


_WEEKLY: Final = _Rhythm(7 * DAY_S, 4, 3)


@dataclass(frozen=True, slots=True)
class _Usual:
    """What an application did at this time on other days: on how many, in what and how large, and at most how gravely,
    for how long, and in how much at once.
    """

    days: int
    sizes: Mapping[bytes, float]
    severity: int
    longest_s: float
    broadest: int


class Recurrences:
    """Knows what comes back, and says whether an incident does.

    An incident *recurs* where each of its applications deviated in some of the same at this time on
    ``recurring_days`` of the last 7 days, or in three of the last four weeks; and where it is no worse than on any of
    these: in nothing else, no graver, and no larger, longer or broader by more than ``recurring_margin``. Critical ones
    never do, nor silence, nor the failure of most executions, nor what people confirmed to be a fault, nor what comes
    on a day of the week that was free of it for two weeks. What was quiet does not raise what is usual, so that nothing
    grows night after night without an alarm.

    Where clocks were changed since, an hour earlier or later is the same time. Fails where something comes at no fixed
    time, or in another place each time: then it is told.
    """

    def __init__(self, settings: IncidentSettings) -> None:
        self._settings = settings
        self._daily = _Rhythm(DAY_S, 7, settings.recurring_days)

    def judge(self, environment: Environment, incident: TrackedIncident) -> Recurrence | str:
        """That an incident recurs; or, in a few words, why it does not."""
        if not self._settings.recurring_days:
            return "nothing is made quiet"
        if _is_always_told(incident):
            return "this is always told"
        memory = HabitMemory(environment.state.habits)
        habits = {name: memory.of(name) or Habits() for name in incident.shown}
        if not all(habits[name].may_be_quiet(shown) for name, shown in incident.shown.items()):
            return "it was confirmed to be a fault"
        found = [self._compare(incident, habits, rhythm) for rhythm in (self._daily, _WEEKLY)]
        return next((one for one in found if isinstance(one, Recurrence)), found[0])

    def remember(self, environment: Environment, incident: TrackedIncident) -> None:
        """An incident ended by itself. What is always told, and what lay in a maintenance window, is no habit."""
        since_s, ended_s, told = incident.spell.since_s, incident.ended_s, incident.told
        if ended_s is None or told is None or told.muted_by is not None or _is_always_told(incident):
            return
        if not 0.0 <= ended_s - since_s <= LONGEST_S:
            return
        memory, shift_s = HabitMemory(environment.state.habits), self._settings.recurring_shift_s
        for name, shown in incident.shown.items():
            sizes = {pattern: one.seen.size for pattern, one in shown.items()}
            episode = Episode(since_s, ended_s, incident.spell.severity, sizes)
            habits = memory.of(name)
            if habits is not None and told.recurring is not None:
                rhythm = _WEEKLY if told.recurring.weekly else self._daily
                episode = self._bounded(episode, habits, rhythm)
            memory.remember(name, episode, shift_s)

    def _compare(self, incident: TrackedIncident, habits: Mapping[str, Habits], rhythm: _Rhythm) -> Recurrence | str:
        since_s, settings = incident.spell.since_s, self._settings
        telling = {name: shown for name, shown in incident.shown.items() if self._is_telling(incident, shown)}
        told = telling or incident.shown
        usual = {name: self._usual(habits[name], shown, since_s, rhythm) for name, shown in told.items()}
        days = min(one.days for one in usual.values())
        if days < rhythm.needed:
            return "it did not come at this time often enough"
        for name, one in usual.items():
            if worse := self._worse(incident, incident.shown[name], one):
                return worse
        severity = min(one.severity for one in usual.values())
        if incident.spell.severity > severity:
            return f"it is {SEVERITIES[incident.spell.severity]}"
        longest_s = max(one.longest_s for one in usual.values())
        longest_s = max(settings.recurring_margin * longest_s, longest_s + SLACK_S)
        began_s = min(habits[name].began_s(since_s, settings.recurring_shift_s) for name in usual)
        if incident.seen_s - began_s > longest_s:
            return f"it lasts for more than {longest_s / 60.0:.0f} minutes"
        largest = max(abs(size) for one in usual.values() for size in one.sizes.values())
        grown = settings.recurring_margin * math.exp(min(largest, _LARGEST))
        return _recurrence(days, rhythm, longest_s, grown if largest > 0.0 else None, severity)

    def _worse(self, incident: TrackedIncident, shown: Mapping[bytes, Shown], usual: _Usual) -> str:
        """In what an application is worse than usual; empty where it is not."""
        for pattern, one in shown.items():
            size = usual.sizes.get(pattern)
            if size is None and self._is_confirmed(incident, one):
                return f"it shows in {one.words}, too"
            if size is not None and abs(one.seen.size) > abs(size) + math.log(self._settings.recurring_margin):
                return f"{one.words} deviates more"
        if len(shown) > self._settings.recurring_margin * usual.broadest + 1.0:
            return "it shows in more at once"
        return ""

    def _is_telling(self, incident: TrackedIncident, shown: Mapping[bytes, Shown]) -> bool:
        return any(self._is_confirmed(incident, one) for one in shown.values())

    def _is_confirmed(self, incident: TrackedIncident, shown: Shown) -> bool:
        """Whether it is more than a single minor outlier, of which nobody is told by itself."""
        lasted_s = incident.keys.get(shown.key, shown.seen.at_s) - shown.seen.at_s
        often = shown.occasions >= self._settings.confirm_occasions
        return shown.certain or often or lasted_s >= self._settings.confirm_s

    def _usual(self, habits: Habits, shown: Collection[bytes], since_s: float, rhythm: _Rhythm) -> _Usual:
        alike = [one for one in habits.episodes if not one.sizes.keys().isdisjoint(shown)]
        on = self._on(alike, since_s, rhythm)
        if rhythm is self._daily and any(one.began_s < since_s - 2 * _WEEKLY.every_s for one in alike):
            weeks = self._on(alike, since_s, _WEEKLY)
            on = on if 1 in weeks or 2 in weeks else {}
        found = [episode for episodes in on.values() for episode in episodes]
        sizes: dict[bytes, float] = {}
        for episode in found:
            for pattern, size in episode.sizes.items():
                sizes[pattern] = larger(size, sizes.get(pattern))
        return _Usual(
            len(on),
            sizes,
            max((one.severity for one in found), default=0),
            max((one.ended_s - one.began_s for one in found), default=0.0),
            max((len(one.sizes) for one in found), default=0),
        )

    def _on(self, episodes: Sequence[Episode], since_s: float, rhythm: _Rhythm) -> dict[int, list[Episode]]:
        """The episodes that came at this time, by how many days (or weeks) ago that is."""
        on: dict[int, list[Episode]] = {}
        for episode in episodes:
            shifts_s = (0.0, CLOCK_S, -CLOCK_S) if _clocks_changed(episode.began_s, since_s) else (0.0,)
            for ago in range(1, rhythm.of_days + 1):
                then_s, shift_s = since_s - ago * rhythm.every_s, self._settings.recurring_shift_s
                if any(episode.began_s - shift_s <= then_s + by_s <= episode.ended_s + shift_s for by_s in shifts_s):
                    on.setdefault(ago, []).append(episode)
        return on

    def _bounded(self, episode: Episode, habits: Habits, rhythm: _Rhythm) -> Episode:
        """What was quiet is remembered as no larger and no longer than what it was compared with."""
        usual = self._usual(habits, episode.sizes, episode.began_s, rhythm)
        began_s = habits.began_s(episode.began_s, self._settings.recurring_shift_s)
        sizes = {name: min(size, usual.sizes.get(name, size), key=abs) for name, size in episode.sizes.items()}
        ended_s = max(episode.began_s, min(episode.ended_s, began_s + usual.longest_s))
        return Episode(episode.began_s, ended_s, episode.severity, sizes)


def _is_always_told(incident: TrackedIncident) -> bool:
    spell = incident.spell
    return spell.alarming or spell.severity >= _CRITICAL or not incident.shown


def _clocks_changed(since_s: float, until_s: float) -> bool:
    """Whether clocks may have been changed between two times that are some weeks apart at most."""
    first, last = int(since_s // DAY_S), int(until_s // DAY_S)
    return any(are_changed_on(day) for day in range(max(first, last - 31), last + 1))


def _recurrence(days: int, rhythm: _Rhythm, longest_s: float, grown: float | None, severity: int) -> Recurrence:
    weekly = rhythm is _WEEKLY
    last = f"in {days} of the last {rhythm.of_days} weeks" if weekly else f"on {days} of the last {rhythm.of_days} days"
    size = "" if grown is None else f", comes to more than {number(grown)} times the usual"
    return Recurrence(
        days,
        rhythm.of_days,
        weekly,
        f"as {last} at this time, no worse",
        f"It becomes an incident if it lasts for more than {longest_s / 60.0:.0f} minutes{size}, shows in anything "
        f"else, or becomes {SEVERITIES[min(severity + 1, _CRITICAL)]}.",
    )

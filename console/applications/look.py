"""What the address of an application's page asks for."""

from typing import Final, Literal

from tracehound.console.web.asked import MomentUs, Name, Query
from tracehound.console.web.series import US, Span

HOUR_S: Final = 3_600
STEPS_S: Final = {1: 60, 6: 300, 12: 300, 48: 1_200, 168: 3_600}
"""Seconds of a step, by the hours that are shown."""
_YOUNG_S: Final = 6 * HOUR_S

Hours = Literal["1", "6", "12", "48", "168"]
Order = Literal["executions", "errors", "time"]


class ApplicationLook(Query):
    """Which application of the name, which stretch of event time, and which operations.

    ``hours`` up to ``until`` are shown; without these, twelve (of an application that is known for less than six, one)
    up to what is scored. ``operation`` is the one whose signals are shown; without it, those of all together.
    """

    environment: Name = ""
    hours: Hours | None = None
    until: MomentUs | None = None
    operation: Name | None = None
    find: Name = ""
    sort: Order = "executions"

    def span(self, first_us: int, through_us: int) -> Span:
        """The stretch of an application that is known from ``first_us`` on and scored up to ``through_us``.

        A step that is not over is left out: it would look like a fall.
        """
        hours = int(self.hours) if self.hours else 12 if through_us - first_us >= _YOUNG_S * US else 1
        step_s = STEPS_S[hours]
        until_s = (through_us if self.until is None else self.until) // US
        return Span(until_s // step_s * step_s, step_s, hours * HOUR_S // step_s)

"""What the address of the call map asks for."""

from typing import Annotated, Final, Literal

from pydantic import Field

from tracehound.console.web.asked import MomentUs, Name, Query

US: Final = 1_000_000
HOUR_S: Final = 3_600

Hours = Literal["1", "6", "24", "168"]


class MapLook(Query):
    """Which calls: ``hours`` up to ``until``, without it up to the newest window of an environment.

    ``application`` shows what it calls and who calls it; ``incident`` marks the way from where people notice it to its
    suspected cause, at that time; ``find`` is a part of a name.
    """

    environment: Name | None = None
    application: Name | None = None
    incident: Name | None = None
    find: Annotated[Name, Field(description="A part of the name of a caller or a callee.")] = ""
    hours: Hours = "1"
    until: MomentUs | None = None

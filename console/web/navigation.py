"""Where pages lead: the one list of what stands at the top of each, and who sees it there."""

from dataclasses import dataclass
from typing import Final

from tracehound.console.web.roles import Role, Visitor


@dataclass(frozen=True, slots=True)
class Place:
    """A page that all others lead to.

    Parameters:
        here: what a page says that belongs to it.
        path: its address.
        title: what people read.
        role: who may see it.
        aside: whether it stands with what is needed now and then, behind "More".
    """

    here: str
    path: str
    title: str
    role: Role = "viewer"
    aside: bool = False


PLACES: Final[tuple[Place, ...]] = (
    Place("overview", "/ui/", "Overview"),
    Place("incidents", "/ui/incidents", "Incidents"),
    Place("anomalies", "/ui/anomalies", "Anomalies"),
    Place("map", "/ui/map", "Call map"),
    Place("logs", "/ui/logs", "Logs"),
    Place("training", "/ui/training", "Training"),
    Place("receivers", "/ui/receivers", "Receivers", aside=True),
    Place("maintenance", "/ui/maintenance", "Maintenance", aside=True),
    Place("dead-letters", "/ui/dead-letters", "Dead letters", aside=True),
    Place("status", "/ui/status", "Status", aside=True),
    Place("keys", "/ui/keys", "Keys", "admin", aside=True),
    Place("audit", "/ui/audit", "Audit", "admin", aside=True),
)
"""In their order."""


def places_of(visitor: Visitor, *, aside: bool) -> list[Place]:
    """What a visitor is led to.

    >>> [place.title for place in places_of(Visitor("th_00000000", "viewer", "key"), aside=False)][:2]
    ['Overview', 'Incidents']
    """
    return [place for place in PLACES if place.aside is aside and visitor.may(place.role)]

"""What a key is good for, and who asks."""

from dataclasses import dataclass
from typing import Final, Literal

Role = Literal["viewer", "operator", "admin"]
ROLES: Final[tuple[Role, ...]] = ("viewer", "operator", "admin")
"""From least to most: viewers read, operators also judge, announce and send again, admins also make keys."""
Means = Literal["key", "session", "proxy"]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: ``name`` is the beginning of a key or what a proxy says, ``means`` how that is known."""

    name: str
    role: Role
    means: Means

    def may(self, role: Role) -> bool:
        """Whether the role of this visitor is that one or above.

        >>> asks = Visitor("th_00000000", "operator", "key")
        >>> asks.may("viewer"), asks.may("admin")
        (True, False)
        """
        return ROLES.index(self.role) >= ROLES.index(role)

"""Ids of anomalies, incidents and maintenance windows: short in what is printed, and found again by their beginning."""

from collections.abc import Iterable

from tracehound.schemas.errors import TracehoundError
from tracehound.scripts.exit_codes import UnknownThingError

SHORT = 8
"""Digits of an id that are printed: of 10,000 ids two begin alike with a probability of 1 %."""
_LISTED = 5


def short(identity: str) -> str:
    """The beginning of an id, for people.

    >>> short("4f2a91c3d7e8f9a0b1c2d3e4f5a6b7c8"), short("now")
    ('4f2a91c3', 'now')
    """
    return identity[:SHORT]


def resolved(given: str, known: Iterable[str], what: str, see: str) -> str:
    """The one known id that ``given`` is, or is the beginning of.

    Parameters:
        given: an id or its beginning, as somebody typed it.
        known: ids that exist.
        what: of what, with its article ("an incident"), for the error.
        see: the command that lists them, for the error.

    Raises:
        UnknownThingError: there is none.
        TracehoundError: there are several.

    >>> resolved("4f2a", ["4f2a91c3", "77aa"], "an incident", "tracehound incidents list")
    '4f2a91c3'
    """
    found = {one for one in known if given and one.startswith(given)}
    if given in found:
        return given
    if not found:
        raise UnknownThingError(f"There is no id of {what} that is, or begins with, {given!r}: see `{see}`.")
    if len(found) > 1:
        shown = sorted(found)
        more = f" and {len(shown) - _LISTED} more" if len(shown) > _LISTED else ""
        raise TracehoundError(
            f"The id {given!r} must be the beginning of one id only. It is that of {', '.join(shown[:_LISTED])}{more}."
        )
    return found.pop()

"""Spans that were refused: one rejection for each thing that is wrong, with exactly the bytes that were refused."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from tracehound.schemas.rejection import ErrorName, Flaw, Rejection

_PLACES_NAMED = 20


@dataclass(frozen=True, slots=True)
class Refused:
    """A span that was refused, or a list of spans as a whole, with what is around it.

    ``place`` are the indexes into the lists of the format, from the outermost on, as many as are needed. ``heads`` are
    the other fields of what encloses it, in the record's encoding. ``element`` are its original bytes. ``number``
    counts the spans of the record.
    """

    number: int
    place: tuple[int, ...]
    heads: tuple[bytes, ...]
    element: bytes
    flaw: Flaw


def rejections(
    format_name: str,
    lists: tuple[str, ...],
    refused: Iterable[Refused],
    record_of: Callable[[Sequence[Refused]], bytes],
) -> list[Rejection]:
    """One rejection for each thing that is wrong, with a record that holds nothing but the refused.

    Parameters:
        format_name: as people know it.
        lists: names of the format's lists, from the outermost on.
        record_of: makes a record of the same format that holds only these.
    """
    groups: dict[tuple[ErrorName, str], list[Refused]] = {}
    for each in refused:
        groups.setdefault((each.flaw.error, each.flaw.field), []).append(each)
    return [
        Rejection(
            tuple(each.number for each in group),
            record_of(group),
            group[0].flaw.error,
            f"{format_name}: {_name_places(lists, group)}: {group[0].flaw.sentence()}",
        )
        for group in groups.values()
    ]


def nested(group: Sequence[Refused], depth: int, wrap: Callable[[int, bytes, list[bytes]], bytes]) -> list[bytes]:
    """The refused from ``depth`` on, put back into what was around them.

    ``wrap`` gets the depth (0: an element of the outermost list), its own fields and what goes into it.
    """
    parts: list[bytes] = []
    for _, near in groupby(group, key=lambda each: each.place[: depth + 1]):
        members = list(near)
        if len(members[0].place) == depth + 1:
            parts += [each.element for each in members]
        else:
            parts.append(wrap(depth, members[0].heads[depth], nested(members, depth + 1, wrap)))
    return parts


def _name_places(lists: tuple[str, ...], group: Sequence[Refused]) -> str:
    places = [
        ".".join(f"{name}[{index}]" for name, index in zip(lists, each.place, strict=False))
        for each in group[:_PLACES_NAMED]
    ]
    more = len(group) - len(places)
    return ", ".join(places) + (f" and {more} more" if more else "")

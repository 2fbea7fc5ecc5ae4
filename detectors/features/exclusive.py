"""The time of each segment that is its own: what lies within it and has a name itself explains the rest."""

from collections.abc import Iterable, Sequence

from tracehound.schemas.execution import Segment


def exclusive_ms(segments: Sequence[Segment]) -> list[float]:
    """For each segment its duration without the segments in it, in milliseconds; a call is one with all that is in it.

    So the layers of a web framework, of which each encloses all the rest, do not hide what became slower. A segment
    without an offset has no place in time: it takes nothing from the one around it.

    >>> layer, handler = Segment("middleware", 90.0, offset_ms=0.0), Segment("handler", 80.0, offset_ms=5.0, parent=0)
    >>> call = Segment("GET", 50.0, "http", offset_ms=20.0, parent=1, peer="stock")
    >>> exclusive_ms([layer, handler, call, Segment("tcp.connect", 30.0, offset_ms=21.0, parent=2)])
    [10.0, 30.0, 50.0, 0.0]
    """
    return exclusive_of(
        [segment.duration_ms for segment in segments],
        [segment.offset_ms for segment in segments],
        [segment.parent for segment in segments],
        [segment.peer is not None for segment in segments],
    )


def exclusive_of(
    durations_ms: Sequence[float],
    offsets_ms: Sequence[float | None],
    parents: Sequence[int | None],
    calls: Sequence[bool],
) -> list[float]:
    """``exclusive_ms`` of n segments, each by its duration, offset, parent and whether it is a call."""
    in_call = [False] * len(durations_ms)
    within: dict[int, list[tuple[float, float]]] = {}
    for place, parent in enumerate(parents):
        if parent is not None:
            in_call[place] = in_call[parent] or calls[parent]
            offset_ms = offsets_ms[place]
            if not in_call[place] and offset_ms is not None:
                within.setdefault(parent, []).append((offset_ms, durations_ms[place]))
    return [
        0.0
        if in_call[place]
        else duration_ms - (_covered_ms(offsets_ms[place], duration_ms, within[place]) if place in within else 0.0)
        for place, duration_ms in enumerate(durations_ms)
    ]


def _covered_ms(offset_ms: float | None, duration_ms: float, within: Iterable[tuple[float, float]]) -> float:
    """How much of a segment those ``within`` cover, each an offset and a duration."""
    if offset_ms is None:
        return 0.0
    reached = offset_ms
    end, covered = reached + duration_ms, 0.0
    for its_offset_ms, its_duration_ms in sorted(within, key=lambda one: one[0]):
        begin_ms = max(its_offset_ms, reached)
        end_ms = min(its_offset_ms + its_duration_ms, end)
        if end_ms > begin_ms:
            covered += end_ms - begin_ms
            reached = end_ms
    return min(covered, duration_ms)

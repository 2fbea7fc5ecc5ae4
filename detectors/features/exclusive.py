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
    in_call = [False] * len(segments)
    within: dict[int, list[Segment]] = {}
    for place, segment in enumerate(segments):
        parent = segment.parent
        if parent is not None:
            in_call[place] = in_call[parent] or segments[parent].peer is not None
            if not in_call[place] and segment.offset_ms is not None:
                within.setdefault(parent, []).append(segment)
    return [
        0.0
        if in_call[place]
        else segment.duration_ms - (_covered_ms(segment, within[place]) if place in within else 0.0)
        for place, segment in enumerate(segments)
    ]


def _covered_ms(segment: Segment, within: Iterable[Segment]) -> float:
    if segment.offset_ms is None:
        return 0.0
    reached = segment.offset_ms
    end, covered = reached + segment.duration_ms, 0.0
    for one in sorted(within, key=lambda one: one.offset_ms or 0.0):
        begin_ms = max(one.offset_ms or 0.0, reached)
        end_ms = min((one.offset_ms or 0.0) + one.duration_ms, end)
        if end_ms > begin_ms:
            covered += end_ms - begin_ms
            reached = end_ms
    return min(covered, segment.duration_ms)

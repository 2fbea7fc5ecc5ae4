"""Takes spans out of a trace; what lies below them moves up."""

from collections.abc import Mapping, Sequence

from tracehound.schemas.spans import Span


def without(spans: Sequence[Span], gone: Mapping[int, int]) -> list[Span]:
    """The spans but for those that are gone; parents are indexes into them.

    Parameters:
        gone: places of spans, each with that of its parent (or what stands for none).
    """
    if not gone:
        return list(spans)
    places: dict[int, int] = {}
    left: list[Span] = []
    for place, span in enumerate(spans):
        if place not in gone:
            places[place] = len(left)
            left.append(span)
    for span in left:
        parent = span.parent
        while parent in gone:
            parent = gone[parent]
        span.parent = places[parent] if parent >= 0 else parent
    return left


def without_unfinished(spans: Sequence[Span]) -> list[Span]:
    """The spans but for calls that have not ended: a client's or producer's of no length, with nothing below or to say.

    So the Collector's receiver of Zipkin passes on what libraries flush before its end.
    """
    suspects = [
        place for place, span in enumerate(spans) if span.duration_us == 0 and span.parent >= 0 and _says_nothing(span)
    ]
    if not suspects:
        return list(spans)
    above = {span.parent for span in spans}
    return without(spans, {place: spans[place].parent for place in suspects if place not in above})


def _says_nothing(span: Span) -> bool:
    return span.kind in ("client", "producer") and not (
        span.peer
        or span.component
        or span.message
        or span.error
        or span.result is not None
        or span.is_error is not None
    )

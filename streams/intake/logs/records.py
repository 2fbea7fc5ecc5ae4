"""Log events on their way to their topic: each with an id, together by application."""

import itertools
import uuid
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b

from tracehound.schemas.codec import encode
from tracehound.schemas.log_event import LogEvent

RECORD_BYTES = 500_000
"""Log events of one application are put together into records about as long as this."""


def new_id() -> str:
    """An id that no other log event has."""
    return uuid.uuid4().hex


def numbered(place: str) -> Callable[[], str]:
    """Makes ids that follow from where events were: the same again where they are read again.

    >>> numbered("log-events/0/7")() == numbered("log-events/0/7")()
    True
    """
    numbers = itertools.count()
    return lambda: blake2b(f"{place}/{next(numbers)}".encode(), digest_size=16).hexdigest()


def complete(events: Sequence[LogEvent], application: str, make_id: Callable[[], str] = new_id) -> None:
    """Give each event what it lacks, in place: an id, and an application, which is ``application`` then."""
    for event in events:
        event.application = event.application or application
        event.id = event.id or make_id()


def log_records(events: Sequence[LogEvent]) -> Iterator[tuple[str, bytes]]:
    """Application and value of each record that together hold the events, those of an application in their order.

    >>> some = [LogEvent("up", "info", "shop"), LogEvent("up", "info", "bank"), LogEvent("down", "info", "shop")]
    >>> [(application, value.count(b"message")) for application, value in log_records(some)]
    [('shop', 2), ('bank', 1)]
    """
    by_application: dict[str, list[LogEvent]] = {}
    for event in events:
        by_application.setdefault(event.application, []).append(event)
    for application, own in by_application.items():
        waiting: list[bytes] = []
        size = 0
        for encoded in map(encode, own):
            if waiting and size + len(encoded) > RECORD_BYTES:
                yield application, _together(waiting)
                waiting, size = [], 0
            waiting.append(encoded)
            size += len(encoded) + 1
        yield application, _together(waiting)


def _together(encoded: Sequence[bytes]) -> bytes:
    return encoded[0] if len(encoded) == 1 else b"[" + b",".join(encoded) + b"]"

"""Times as they are kept, microseconds since the epoch, and as they are told, RFC 3339."""

from datetime import UTC, datetime, timedelta
from typing import overload

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@overload
def moment(time_us: int) -> str: ...
@overload
def moment(time_us: None) -> None: ...
@overload
def moment(time_us: int | None) -> str | None: ...
def moment(time_us: int | None) -> str | None:
    """RFC 3339 in UTC with milliseconds.

    >>> moment(1767225600250000)
    '2026-01-01T00:00:00.250Z'
    """
    if time_us is None:
        return None
    return (_EPOCH + timedelta(microseconds=time_us)).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""Records of another format altogether: told once per source and second with a count, so that none drowns others."""

from collections.abc import Callable

import structlog
from aiokafka import ConsumerRecord

from tracehound.schemas.rejection import Rejection

COUNTED_ONLY = frozenset(("OtherSignal", "ForeignFormat"))
"""Errors of records of which not each becomes a dead letter."""

log = structlog.get_logger(__name__)


class ForeignRecords:
    """Decides which of the records that are recognised, but not read, become dead letters.

    The bytes of all others are where they were: on the topic that they should not have been written to.

    Parameters:
        clock: elapsed seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._told: dict[tuple[str, int, str], tuple[int, int]] = {}  # by source and error: second, and how many since
        self._logged: set[tuple[str, str]] = set()

    def told(self, record: ConsumerRecord, refused: Rejection) -> Rejection | None:
        """The rejection with how many like it were not told before; None for one that is only counted."""
        if refused.error not in COUNTED_ONLY or refused.indexes:
            return refused
        self._log(record.topic, refused)
        key = (record.topic, record.partition, refused.error)
        second = int(self._clock())
        last, untold = self._told.get(key, (-1, 0))
        if last == second:
            self._told[key] = (last, untold + 1)
            return None
        self._told[key] = (second, 0)
        if not untold:
            return refused
        reason = f"{refused.reason} {untold} more records of this partition were not told one by one."
        return Rejection(refused.indexes, refused.value_bytes, refused.error, reason)

    def _log(self, topic: str, refused: Rejection) -> None:
        if (topic, refused.error) not in self._logged:
            self._logged.add((topic, refused.error))
            log.warning(
                "wrong_format", topic=topic, sentence=f"The topic {topic!r} holds other records: {refused.reason}"
            )

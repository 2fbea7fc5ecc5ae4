"""Verdicts in rows: the last one on each anomaly or incident, by the time at which it was said."""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection

from tracehound.console.store.reader.record import Record
from tracehound.console.store.reader.writers.upsert import Changes, upsert
from tracehound.console.store.reader.writers.writer import Row, id_of, text_of, words_of_people
from tracehound.console.store.tables import verdicts
from tracehound.schemas.feedback import Verdict

_VERDICT = msgspec.json.Decoder(Verdict)
_REPLACED: Final = Changes(
    replaced=[column.name for column in verdicts.c if column.name != "subject_id"], where_higher="judged_at_us"
)


class VerdictWriter:
    """Topic ``feedback.v1``."""

    def row(self, record: Record) -> Row:
        """See ``Writer``."""
        said = _VERDICT.decode(record.value or b"")
        judged_at_us = round(said.judged_at * 1e6)
        return {
            "subject_id": id_of(said.subject_id),
            "judgement": said.judgement,
            "judged_at_us": judged_at_us,
            "time_us": judged_at_us,
            "by": words_of_people(said.by),
            "note": words_of_people(said.note),
            "withdrawn": said.withdrawn,
            "told_us": record.told_us,
            "event": text_of(record.value),
        }

    def write(self, connection: Connection, rows: Sequence[Row]) -> int:
        """See ``Writer``."""
        last: dict[str, Row] = {}
        for row in rows:
            known = last.get(row["subject_id"])
            if known is None or row["judged_at_us"] >= known["judged_at_us"]:
                last[row["subject_id"]] = {name: value for name, value in row.items() if name != "time_us"}
        upsert(connection, verdicts, list(last.values()), _REPLACED)
        return len(last)

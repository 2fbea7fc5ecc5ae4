"""What somebody said of an anomaly or an incident, for its page."""

import msgspec
from sqlalchemy import Connection, select

from tracehound.console.store.tables import verdicts
from tracehound.schemas.feedback import Verdict


def verdict_on(connection: Connection, subject_id: str) -> Verdict | None:
    """The last verdict, where there is one that was not taken back."""
    columns = verdicts.c
    wanted = select(columns.event).where(columns.subject_id == subject_id, columns.withdrawn.is_(False))
    event = connection.execute(wanted).scalar()
    return None if event is None else msgspec.json.decode(event, type=Verdict)

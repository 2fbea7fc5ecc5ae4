"""How far an application has been scored, so that quiet can be told from dead."""

import msgspec

from tracehound.schemas.execution import Count, EpochSeconds


class Progress(msgspec.Struct, omit_defaults=True):
    """Everything of ``application`` up to event time ``scored_through`` (RFC 3339) has been scored.

    ``executions`` and ``operations`` count what was scored since the previous progress record of this
    application, ``errors`` how many of those failed, ``anomalies`` how many anomalies they led to. ``ongoing`` maps
    the ``incident_key`` of each deviation that alarmed meanwhile, told or not, to the event time at which it last
    did, epoch seconds. ``calls`` counts calls of other applications by their name, as segments name them, and
    ``taken`` executions that worked on messages, by the queue that these came from.
    """

    application: str
    environment: str
    scored_through: str
    executions: Count
    errors: Count
    anomalies: Count
    operations: dict[str, Count]
    ongoing: dict[str, EpochSeconds] = {}
    calls: dict[str, Count] = {}
    taken: dict[str, Count] = {}

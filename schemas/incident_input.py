"""Internal: everything that incidents are made of, in the one order that decides."""

import msgspec

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.feedback import Maintenance, Verdict
from tracehound.schemas.model_event import ModelEvent
from tracehound.schemas.progress import Progress


class IncidentInput(msgspec.Struct, omit_defaults=True):
    """The value of ``incident-input.v1``: exactly one field is there.

    ``change`` carries releases and new normals of models.
    """

    anomaly: AnomalyEvent | None = None
    progress: Progress | None = None
    change: ModelEvent | None = None
    verdict: Verdict | None = None
    maintenance: Maintenance | None = None


encode_input = msgspec.json.Encoder().encode
decode_input = msgspec.json.Decoder(IncidentInput).decode

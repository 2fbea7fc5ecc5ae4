"""An execution that was written from columns, as what follows needs it."""

import msgspec


class Written(msgspec.Struct, gc=False):
    """An execution in JSON; its start in epoch seconds, and its id as a word."""

    started_at: float
    trace_id: str
    word: int
    application: str
    encoded: bytes

    @property
    def span_id(self) -> str:
        """The id of the span that it begins with."""
        return f"{self.word & 2**64 - 1:016x}"

"""Tools by which an assistant says what an anomaly or an incident was; nothing is sent unless that is permitted."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from tracehound.scripts.assistants.asking import Asking, Id

_Judgement = Annotated[
    Literal["false_positive", "expected_change", "confirmed"],
    Field(description="false_positive and expected_change silence the like; confirmed has it told again."),
]
_Note = Annotated[str, Field(max_length=2_000, description="Why; for other people.")]


class JudgingTools:
    """Verdicts, and what would follow of one.

    Parameters:
        asking: of the console.
    """

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def preview_feedback(self, subject_id: Id, judgement: _Judgement) -> str:
        """Tell which anomalies of the last 30 days a verdict would have silenced; sends nothing.

        ``subject_id`` is the id of an anomaly or of an incident.
        """
        body = {"subject_id": subject_id, "judgement": judgement}
        return self._asking.one(self._asking.client.send(dict[str, Any], "POST", "feedback", "preview", body=body))

    def give_feedback(self, subject_id: Id, judgement: _Judgement, note: _Note = "", withdraw: bool = False) -> str:
        """Say what an anomaly or an incident was: models learn it, and tell the like no more, or again.

        Ask the person first, and preview what follows. ``withdraw`` takes an earlier verdict back.
        """
        body = {"subject_id": subject_id, "judgement": judgement, "note": note, "withdraw": withdraw}
        return self._asking.one(self._asking.client.send(dict[str, Any], "POST", "feedback", body=body))


def reading_tools(asking: Asking) -> Sequence[Any]:
    """Those that change nothing."""
    return (JudgingTools(asking).preview_feedback,)


def changing_tools(asking: Asking) -> Sequence[Any]:
    """Those that change what is told from now on."""
    return (JudgingTools(asking).give_feedback,)

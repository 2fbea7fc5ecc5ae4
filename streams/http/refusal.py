"""A request that is not taken: with which status, why, and what the client may do about it."""

from collections.abc import Mapping
from typing import Any, Literal

from tracehound.schemas.errors import TracehoundError

Reason = Literal[
    "invalid_body",
    "invalid_request",
    "invalid_cursor",
    "not_found",
    "method",
    "cross_site",
    "conflict",
    "idempotency_key",
    "store_away",
    "encoding",
    "media_type",
    "too_large",
    "too_slow",
    "disconnected",
    "no_key",
    "wrong_key",
    "wrong_role",
    "wrong_host",
    "rate",
    "busy",
    "kafka_away",
    "no_topic",
    "kafka_refuses",
    "unanswered",
    "failed",
]
"""Every class of refusal; a bounded set, fit for a metric's label."""


class RequestRefusedError(TracehoundError):
    """A request is not taken; the message says why, in one sentence.

    Parameters:
        status: of HTTP.
        reason: its class.
        detail: the sentence.
        headers: of the answer.
        more: members of the answer's problem details beside the usual ones.
    """

    def __init__(
        self,
        status: int,
        reason: Reason,
        detail: str,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = dict(more or {})


def put_off(reason: Reason, detail: str, retry_after_s: int, status: int = 503) -> RequestRefusedError:
    """The request may be sent again, after so many seconds."""
    return RequestRefusedError(status, reason, detail, {"Retry-After": str(retry_after_s)})

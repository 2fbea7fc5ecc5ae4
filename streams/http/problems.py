"""What our own paths answer to a request that is not taken: problem details.

Source: RFC 9457, https://www.rfc-editor.org/rfc/rfc9457
"""

from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tracehound.streams.http.refusal import Reason, RequestRefusedError

MEDIA_TYPE = "application/problem+json"


class Problem(msgspec.Struct):
    """Why a request is not taken: what its status is called, a sentence, and its class. Paths may add to it."""

    title: str
    status: int
    detail: str
    reason: Reason


def problem(_request: Request, refusal: RequestRefusedError) -> Response:
    """The answer to a refused request."""
    told = Problem(HTTPStatus(refusal.status).phrase, refusal.status, refusal.detail, refusal.reason)
    content = msgspec.structs.asdict(told) | refusal.more
    return Response(msgspec.json.encode(content), refusal.status, refusal.headers, MEDIA_TYPE)

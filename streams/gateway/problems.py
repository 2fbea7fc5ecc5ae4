"""What our own paths answer to a request that is not taken: problem details.

Source: RFC 9457, https://www.rfc-editor.org/rfc/rfc9457
"""

from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tracehound.streams.gateway.refusal import RequestRefusedError

MEDIA_TYPE = "application/problem+json"


def problem(_request: Request, refusal: RequestRefusedError) -> Response:
    """The answer to a refused request."""
    content = {
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "detail": refusal.detail,
        "reason": refusal.reason,
        **refusal.more,
    }
    return Response(msgspec.json.encode(content), refusal.status, refusal.headers, MEDIA_TYPE)

"""Every error of the console in one shape: problem details.

Source: RFC 9457, https://www.rfc-editor.org/rfc/rfc9457
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.store.engine import StoreError
from tracehound.streams.http.problems import problem
from tracehound.streams.http.refusal import Reason, RequestRefusedError, put_off

_REASONS: dict[int, Reason] = {404: "not_found", 405: "method", 413: "too_large", 415: "media_type"}
_MOST_MISTAKES = 20
_AGAIN_S = 5

log = structlog.get_logger(__name__)


def tell_problems(app: FastAPI) -> None:
    """Have all errors of an app told as problems, whoever raises them."""
    app.add_exception_handler(RequestRefusedError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(StoreError, _away)
    app.add_exception_handler(Exception, _failed)


def not_found(what: str) -> RequestRefusedError:
    """There is none (404); ``what`` as in "anomaly 17"."""
    return RequestRefusedError(404, "not_found", f"There is no {what[:200]}.")


def invalid(detail: str) -> RequestRefusedError:
    """The request cannot be meant (400)."""
    return RequestRefusedError(400, "invalid_request", detail)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestRefusedError)
    return problem(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    mistakes = [_mistake(one) for one in error.errors()[:_MOST_MISTAKES]]
    told = RequestRefusedError(400, "invalid_request", " ".join(_sentences(mistakes)), more={"mistakes": mistakes})
    return problem(request, told)


def _mistake(error: dict[str, Any]) -> dict[str, str]:
    at = ".".join(str(part) for part in error["loc"])[:200]
    return {"at": at, "rule": str(error["msg"]).removeprefix("Value error, ")[:500]}


def _sentences(mistakes: Iterable[dict[str, str]]) -> Iterable[str]:
    for mistake in mistakes:
        yield f"The request's '{mistake['at']}' is wrong: {mistake['rule'].rstrip('.')}."


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    if status in (404, 405):
        sentence = f"There is no {request.method} of this path."
    else:
        sentence = f"{HTTPStatus(status).phrase}: {error.detail}."
    headers = {"Allow": ", ".join(_methods(request))} if status == 405 else error.headers
    return problem(request, RequestRefusedError(status, _REASONS.get(status, "invalid_body"), sentence, headers))


def _methods(request: Request) -> list[str]:
    """What the path of a request may be asked by: each route of it knows its own method alone."""
    path = request.scope["path"]
    routes = [route for route in iter_route_contexts(request.app.routes) if route.path_regex.match(path)]
    meant = min((str(route.path_format) for route in routes), key=lambda one: one.count("{"))  # not the id of something
    methods = {method for route in routes if route.path_format == meant for method in route.methods or ()}
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


async def _away(request: Request, error: Exception) -> Response:
    log.warning("store_away", path=request.url.path, sentence=str(error))
    return problem(request, put_off("store_away", "The store cannot be used now.", _AGAIN_S))


async def _failed(request: Request, error: Exception) -> Response:
    log.error("request_failed", path=request.url.path, exc_info=error)
    return problem(request, RequestRefusedError(500, "failed", "The console failed; its log says why."))

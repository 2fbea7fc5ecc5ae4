"""``/api/v1/session``: sign in by a key, see who one is, sign out."""

from typing import Annotated

import msgspec
from fastapi import APIRouter
from pydantic import StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.web.answers import JSON, NO_STORE, done, one
from tracehound.console.web.asked import Body
from tracehound.console.web.console import TheConsole
from tracehound.console.web.cross_site import check_same_site
from tracehound.console.web.needs import Viewer
from tracehound.console.web.roles import Means, Role, Visitor

router = APIRouter(prefix="/session", tags=["session"])


class SignIn(Body):
    """The key of who signs in."""

    key: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Session(msgspec.Struct):
    """Who asks: ``name`` is the beginning of a key, or what a proxy says."""

    name: str
    role: Role
    means: Means


@router.get("", responses=one(Session, "Who asks."))
def show_session(visitor: Viewer) -> Response:
    """Who one is, and what one may."""
    return _told(visitor)


@router.post("", responses=done(Session, "Signed in; the cookie goes with what the browser asks from now on."))
async def sign_in(request: Request, given: SignIn, console: TheConsole) -> Response:
    """Sign in to the page by a key."""
    check_same_site(request.method, request.headers)
    visitor = await console.entry.by_key(request, given.key)
    request.state.visitor = visitor
    response = _told(Visitor(visitor.name, visitor.role, "session"))
    console.sessions.begin(request, response, visitor.name)
    return response


@router.delete("", status_code=204, responses={204: {"description": "Signed out."}})
async def sign_out(request: Request, console: TheConsole) -> Response:
    """Sign out. Whoever has not signed in has nothing to lose by it."""
    check_same_site(request.method, request.headers)
    response = Response(status_code=204, headers=NO_STORE)
    console.sessions.end(request, response)
    return response


def _told(visitor: Visitor) -> Response:
    session = Session(visitor.name, visitor.role, visitor.means)
    return Response(msgspec.json.encode(session), 200, NO_STORE, JSON)

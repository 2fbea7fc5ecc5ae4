"""``/api/v1/keys``: for admins."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path
from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.keys.queries import add_key, all_keys, drop_key, other_admins
from tracehound.console.web.answers import JSON, NO_STORE, done, one
from tracehound.console.web.asked import Body
from tracehound.console.web.console import TheConsole
from tracehound.console.web.needs import Admin, needs_admin
from tracehound.console.web.problems import not_found
from tracehound.console.web.roles import Role
from tracehound.console.web.times import moment
from tracehound.streams.http.keys import new_key
from tracehound.streams.http.refusal import RequestRefusedError

router = APIRouter(prefix="/keys", tags=["keys"])

Prefix = Annotated[str, Path(pattern=r"^th_[0-9a-f]{8}$", description="The beginning of a key.")]


class Wanted(Body):
    """A key that is to be made."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]
    role: Role = "viewer"
    expires_in_days: Annotated[float | None, Field(gt=0, le=36_500)] = None


class ApiKey(msgspec.Struct):
    """A key as it is kept; times are RFC 3339."""

    prefix: str
    name: str
    role: Role
    made_by: str
    made_at: str
    expires_at: str | None
    last_used_at: str | None


class MadeKey(msgspec.Struct):
    """A key that was just made. ``key`` is told here and never again."""

    key: str
    prefix: str
    role: Role
    expires_at: str | None


class Keys(msgspec.Struct):
    """All keys, the newest first."""

    items: list[ApiKey]


@router.get("", responses=one(Keys, "All keys, without what is secret."), dependencies=[needs_admin])
def list_keys(console: TheConsole) -> Response:
    """All keys: who made them, what they are good for, and when they were last used."""
    with console.store.read() as connection:
        rows = all_keys(connection)
    keys = [
        ApiKey(
            row.prefix,
            row.name,
            row.role,
            row.made_by,
            moment(row.made_at_us),
            moment(row.expires_at_us),
            moment(row.last_used_us),
        )
        for row in rows
    ]
    return Response(msgspec.json.encode(Keys(keys)), headers=NO_STORE, media_type=JSON)


@router.post("", status_code=201, responses=done(MadeKey, "The key: this once.", 201))
def make_key(request: Request, wanted: Wanted, admin: Admin, console: TheConsole) -> Response:
    """Make a key. It is told this once; only its digest is kept."""
    made, now_us = new_key(), round(console.clock() * 1e6)
    expires_at_us = None if wanted.expires_in_days is None else now_us + round(wanted.expires_in_days * 86_400e6)
    with console.store.write() as connection:
        add_key(connection, made, wanted.role, wanted.name, admin.name, now_us, expires_at_us)
    request.state.changed = {"key": made.prefix, "role": wanted.role, "name": wanted.name}
    told = MadeKey(made.key, made.prefix, wanted.role, moment(expires_at_us))
    return Response(msgspec.json.encode(told), 201, NO_STORE, JSON)


@router.delete(
    "/{prefix}", status_code=204, responses={204: {"description": "It is no longer good."}}, dependencies=[needs_admin]
)
def take_back_key(request: Request, prefix: Prefix, console: TheConsole) -> Response:
    """Take a key back, at once; elsewhere, where several consoles share a store, within seconds."""
    with console.store.write() as connection:
        if not other_admins(connection, prefix, round(console.clock() * 1e6)):
            raise RequestRefusedError(
                409, "conflict", f"There must be a key of an admin that is good. {prefix} is the last one."
            )
        if not drop_key(connection, prefix):
            raise not_found(f"key {prefix}")
    console.keys.forget(prefix)
    request.state.changed = {"key": prefix}
    return Response(status_code=204, headers=NO_STORE)

"""``/api/v1/application-settings``: settings of detection that applications have of their own, by versions."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, Field, StringConstraints
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.own_settings.queries import (
    SettingsAsked,
    VersionOfSettings,
    is_known,
    newest_of,
    settings_asked,
)
from tracehound.console.own_settings.sending import send_settings
from tracehound.console.web.answers import done, listed
from tracehound.console.web.asked import Body, without_null
from tracehound.console.web.console import Console, TheConsole
from tracehound.console.web.in_query import Asks
from tracehound.console.web.lists import tell_list
from tracehound.console.web.needs import Operator, needs_viewer
from tracehound.console.web.problems import not_found
from tracehound.schemas.application_settings import MOST_SETTINGS, ApplicationSettings
from tracehound.schemas.execution import ApplicationKey
from tracehound.streams.http.refusal import RequestRefusedError

router = APIRouter(prefix="/application-settings", tags=["tuning"])

_Setting = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(without_null)]
_Number = Annotated[float, Field(allow_inf_nan=False)]
_SENT = done(VersionOfSettings, "Kafka has them; their worker judges by them soon.", 202)


class Whose(Body):
    """An application in one environment.

    ``after``: the version that whoever asks has seen, 0: none; where another is the newest by now, the answer is 409.
    """

    application: Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(without_null)]
    environment: Annotated[str, StringConstraints(max_length=200), AfterValidator(without_null)] = ""
    after: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None


class Set(Whose):
    """All settings that the application is to have of its own; others are as the workers have them."""

    settings: Annotated[dict[_Setting, _Number], Field(max_length=MOST_SETTINGS)]
    why: Annotated[str, StringConstraints(max_length=500), AfterValidator(without_null)] = ""


class Reverted(Whose):
    """To which version it goes back; null: to the one before, which is none of its own at first."""

    version: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None


@router.get("", responses=listed(VersionOfSettings, "Versions, the newest first."), dependencies=[needs_viewer])
def list_settings(request: Request, asked: Asks[SettingsAsked], console: TheConsole) -> Response:
    """Settings that applications have of their own, and had."""
    return tell_list(request, console, asked, settings_asked(asked, console.store))


@router.post("", status_code=202, responses=_SENT)
async def set_settings(request: Request, given: Set, operator: Operator, console: TheConsole) -> Response:
    """Have an application judged by settings of its own. Its models stay, and learn on."""
    key = (given.application, given.environment)
    before = await run_in_threadpool(_newest, console, key)
    return await send_settings(request, console, operator, before, key, given.settings, given.why, given.after)


@router.post("/revert", status_code=202, responses=_SENT)
async def revert_settings(request: Request, given: Reverted, operator: Operator, console: TheConsole) -> Response:
    """Go back to the settings of a version before. That is a version too, so that it can be taken back."""
    key = (given.application, given.environment)
    before = await run_in_threadpool(_newest, console, key)
    if before is None:
        raise RequestRefusedError(409, "conflict", f"{key[0]} has no settings of its own to go back from.")
    version = before.version - 1 if given.version is None else given.version
    earlier = await run_in_threadpool(_earlier, console, key, version)
    why = f"back to version {version}"
    settings = earlier.settings if earlier else {}
    return await send_settings(request, console, operator, before, key, settings, why, given.after)


def _newest(console: Console, key: ApplicationKey) -> ApplicationSettings | None:
    with console.store.read() as connection:
        if not is_known(connection, key):
            raise not_found(f"application {key[0]!r} in the environment {key[1]!r}")
        return newest_of(connection, key)


def _earlier(console: Console, key: ApplicationKey, version: int) -> ApplicationSettings | None:
    """The settings of a version; None for version 0, when it had none."""
    if version <= 0:
        return None
    with console.store.read() as connection:
        found = newest_of(connection, key, version)
    if found is None:
        raise not_found(f"version {version} of the settings of {key[0]}")
    return found

"""``/api/v1/settings``: for operators."""

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from tracehound.console.settings.masked import SettingsTold, settings_told
from tracehound.console.web.answers import JSON, NO_STORE, one
from tracehound.console.web.console import TheConsole
from tracehound.console.web.needs import needs_operator

router = APIRouter(prefix="/settings", tags=["settings"], dependencies=[needs_operator])


@router.get("", responses=one(SettingsTold, "All settings."))
def show_settings(console: TheConsole) -> Response:
    """The settings of this console, as they are; workers elsewhere may have others."""
    return Response(msgspec.json.encode(settings_told(console.settings)), 200, NO_STORE, JSON)

"""``/api/v1/models``: what models are, what happened to them, and drift."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.models.queries import DRIFTS, ModelEventsAsked, model_events_asked, newest_of_models
from tracehound.console.models.state import Models, models_of
from tracehound.console.web.answers import answer, listed, one
from tracehound.console.web.asked import Name
from tracehound.console.web.asked import Query as Asked
from tracehound.console.web.console import TheConsole
from tracehound.console.web.in_query import Asks
from tracehound.console.web.lists import tell_stored
from tracehound.console.web.needs import needs_viewer
from tracehound.schemas.model_event import ModelEvent

router = APIRouter(prefix="/models", tags=["models"], dependencies=[needs_viewer])


class ModelsAsked(Asked):
    """Whose models."""

    application: Name
    environment: Name = ""


@router.get("", responses=one(Models, "The models, each as it is."))
def show_models(request: Request, asked: Asks[ModelsAsked], console: TheConsole) -> Response:
    """What the models of an application have learned, whether they are ready, and what their training took."""
    with console.store.read() as connection:
        rows = newest_of_models(connection, asked.application, asked.environment)
    return answer(request, models_of(rows))


@router.get("/events", responses=listed(ModelEvent, "Events, the newest first."))
async def list_model_events(request: Request, asked: Asks[ModelEventsAsked], console: TheConsole) -> Response:
    """What happened to models: readiness, training with its cost, drift, releases, feedback, lost state."""
    return await tell_stored(request, console, asked, model_events_asked(asked))


@router.get("/drift", responses=listed(ModelEvent, "Events, the newest first."))
async def list_drift(request: Request, asked: Asks[ModelEventsAsked], console: TheConsole) -> Response:
    """What is no longer as it was: drift that was noticed, and what has become the new normal."""
    return await tell_stored(request, console, asked, model_events_asked(asked, DRIFTS))

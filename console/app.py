"""The one place where the console is put together; nothing connects before the first request."""

import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry

from tracehound.console.anomalies.endpoints import router as anomalies
from tracehound.console.applications.endpoints import router as applications
from tracehound.console.audit.endpoints import router as audit
from tracehound.console.audit.queries import note_change
from tracehound.console.calls.endpoints import router as calls
from tracehound.console.dead_letters.endpoints import router as dead_letters
from tracehound.console.demo_data.endpoints import router as demo_data
from tracehound.console.demo_data.feeding import DemoData, Simulate
from tracehound.console.demo_data.queries import scored
from tracehound.console.exemplars.endpoints import router as exemplars
from tracehound.console.feedback.endpoints import router as feedback
from tracehound.console.health.endpoints import health_router
from tracehound.console.incidents.endpoints import router as incidents
from tracehound.console.keys.endpoints import router as keys
from tracehound.console.keys.ring import StoredKeys
from tracehound.console.logs.endpoints import router as logs
from tracehound.console.maintenance.endpoints import router as maintenance
from tracehound.console.models.endpoints import router as models
from tracehound.console.operations.endpoints import router as operations
from tracehound.console.own_settings.endpoints import router as own_settings
from tracehound.console.own_settings.versions import Versions
from tracehound.console.pages import build_pages
from tracehound.console.receivers.endpoints import router as receivers
from tracehound.console.scores.endpoints import router as scores
from tracehound.console.search.endpoints import router as search
from tracehound.console.sessions.endpoints import router as session
from tracehound.console.settings.endpoints import router as settings_router
from tracehound.console.status.cluster import KafkaCluster
from tracehound.console.status.page import Cluster
from tracehound.console.store.engine import Store
from tracehound.console.stream.endpoints import router as stream
from tracehound.console.stream.watermark import Watermark
from tracehound.console.training.endpoints import router as training
from tracehound.console.tuning.endpoints import router as tuning
from tracehound.console.web.bodies import Bodies
from tracehound.console.web.changes import Changes
from tracehound.console.web.console import Console, Predictions
from tracehound.console.web.counted import Counted, RequestMetrics
from tracehound.console.web.cursors import Cursors
from tracehound.console.web.entry import Entry
from tracehound.console.web.heads import Heads
from tracehound.console.web.openapi import console_document
from tracehound.console.web.paths import Slashes
from tracehound.console.web.problems import tell_problems
from tracehound.console.web.proxies import Proxies
from tracehound.console.web.rates import Rates
from tracehound.console.web.secret import kept_secret
from tracehound.console.web.sessions import Sessions
from tracehound.streams.http.sending import Sender
from tracehound.streams.scoring.predictions.asking import PredictionClient
from tracehound.streams.scoring.tuning.recorded import KafkaRecordings, Recordings
from tracehound.streams.settings.settings import Settings

API = "/api/v1"
ROUTERS: tuple[APIRouter, ...] = (
    operations,
    exemplars,
    anomalies,
    incidents,
    applications,
    calls,
    logs,
    scores,
    models,
    training,
    tuning,
    own_settings,
    stream,
    search,
    feedback,
    maintenance,
    dead_letters,
    receivers,
    settings_router,
    session,
    keys,
    audit,
    demo_data,
)
"""Every resource below ``API``: one line each."""


def build_console(
    settings: Settings,
    store: Store,
    sender: Sender,
    clock: Callable[[], float] = time.time,
    predictions: Predictions | None = None,
    registry: CollectorRegistry | None = None,
    trouble: Callable[[], str] = lambda: "",
    recordings: Recordings | None = None,
    cluster: Cluster | None = None,
    simulate: Simulate | None = None,
) -> FastAPI:
    """Put the console together.

    Parameters:
        settings: everything that can be set.
        store: what was told, migrated.
        sender: sends records to Kafka: what people say, and dead letters again.
        clock: epoch seconds.
        predictions: has workers judge executions; None: over Kafka, from the first request for it on.
        registry: of the metrics.
        trouble: why nothing new can be stored now; empty where it can.
        recordings: knows which executions Kafka has; None: asks it.
        cluster: knows what Kafka says of processes and topics; None: asks it.
        simulate: makes the demo's data; None: there is none.

    Raises:
        StoreError: the store is away.
    """
    given = settings.console
    secret = kept_secret(store)
    sessions = Sessions(secret, round(given.session_hours * 3_600))
    stored_keys = StoredKeys(store, clock)
    rates = Rates(given.requests_per_minute, given.refused_per_minute)
    entry = Entry(stored_keys, sessions, rates, Proxies(given), clock)
    app = FastAPI(
        title="tracehound console",
        version=version("tracehound"),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    asker = predictions or PredictionClient(settings)
    known = recordings or KafkaRecordings(settings)
    shared = (Cursors(secret), sessions, entry, clock)
    demo = DemoData(simulate, sender, settings.topics, partial(scored, store), clock)
    console = Console(store, settings, sender, stored_keys, *shared, asker, known, trouble, demo)
    app.state.console = console
    app.state.demo = demo
    app.state.watermark = Watermark(store)
    app.state.own_versions = Versions()
    tell_problems(app)
    app.add_middleware(Changes, note=lambda *change: note_change(store, round(clock() * 1e6), *change))
    app.add_middleware(Bodies, most=given.max_body_bytes, forms=("/ui/sign-in",))
    app.add_middleware(Slashes)
    counted = registry or CollectorRegistry()
    app.add_middleware(Counted, metrics=RequestMetrics(counted))
    app.add_middleware(Heads)
    for router in ROUTERS:
        app.include_router(router, prefix=API)
    app.include_router(health_router(counted, trouble))
    app.mount("/ui", build_pages(console, cluster or KafkaCluster(settings, clock)))
    app.openapi = partial(console_document, app)  # type: ignore[method-assign]
    return app

"""The one place where a worker is put together: settings in, a Faust app out. Nothing connects before it starts."""

import time
from collections.abc import AsyncIterable, Callable
from dataclasses import replace
from typing import Any

from faust.types import TP
from prometheus_client import CollectorRegistry

from tracehound.detectors.forests.fitting import Fitter, PoolFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.schemas.operations import normalize_operation
from tracehound.streams.delivery.delivery import Delivery
from tracehound.streams.kafka.changelog import KafkaChangelogReader
from tracehound.streams.kafka.publisher import KafkaPublisher
from tracehound.streams.kafka.runs.run import Run
from tracehound.streams.scoring.metrics import Metrics, StateCollector
from tracehound.streams.scoring.read_run import RunReader
from tracehound.streams.scoring.report_progress import ProgressLedger, report_progress
from tracehound.streams.scoring.score_executions import Scoring, score_executions
from tracehound.streams.scoring.vitals import WorkerVitals
from tracehound.streams.scoring.watch_silence import watch_silence
from tracehound.streams.settings.settings import Settings
from tracehound.streams.states.model_states import ModelStates
from tracehound.streams.states.partitions import Partitions
from tracehound.streams.states.resident_models import ResidentModels
from tracehound.streams.states.scoring_core import ScoringCore
from tracehound.streams.states.state_folder import StateFolder
from tracehound.streams.worker.health import HealthServer
from tracehound.streams.worker.worker_app import WorkerApp, faust_options, limits_of

_MOST_APPLICATIONS = 10_000_000
_LOAD_POLL_S = 0.05


def build_app(
    settings: Settings,
    scorer: ScoringCore | None = None,
    clock: Callable[[], float] = time.time,
    registry: CollectorRegistry | None = None,
) -> WorkerApp:
    """Assemble a worker.

    Parameters:
        settings: everything that can be set.
        scorer: the scoring core; without it the real one, with a pool of processes for refits.
        clock: wall time in epoch seconds.
        registry: takes the metrics; without it a new one.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    topics = settings.topics
    fitter: Fitter | None = None
    if scorer is None:
        fitter = PoolFitter(settings.fit_processes)
        # who is sent away, and saved before, is decided here
        scorer = Scorer(replace(settings.detection, applications_per_worker=_MOST_APPLICATIONS), fitter)
    metrics = Metrics(registry or CollectorRegistry())
    publisher = KafkaPublisher(settings)
    partitions = Partitions(lambda key: models.forget(key))
    folder = StateFolder(settings.state_dir, topics.model_states.name)
    states = ModelStates(
        topics.model_states.name,
        folder.path,
        KafkaChangelogReader(settings, topics.model_states.name),
        publisher,
        lambda: int(app.consumer_generation_id),
    )
    ledger = ProgressLedger()
    delivery = Delivery(
        publisher, topics.dead_letters.name, metrics, settings.max_runs_in_flight, lambda error: crash(error)
    )
    most = settings.detection.applications_per_worker
    ends = KafkaChangelogReader(settings, topics.executions.name).ends
    models = ResidentModels(
        scorer, partitions, states, delivery, metrics, most, ends, settings.model_memory_mb * 1_000_000
    )
    scoring = Scoring(
        scorer,
        partitions,
        models,
        RunReader(
            topics.executions.name,
            settings.partitions,
            limits_of(settings),
            normalize_operation if settings.normalize_operations else None,
            topics.spans.name,
        ),
        delivery,
        ledger,
        topics,
        metrics,
        settings.finish_timeout_s,
        clock,
    )
    app = WorkerApp(settings.group_id, runs=scoring, **faust_options(settings, {topics.executions.name}))
    app.topics_needed = topics.scoring()
    app.folder, app.folder_topic = folder, topics.model_states.name
    app.closing = (*((fitter.close,) if fitter is not None else ()), states.close, folder.close)
    vitals = WorkerVitals(app, topics.executions.name, partitions, scoring, clock)
    app.health = HealthServer(
        metrics.registry,
        vitals,
        settings.http_host,
        settings.http_port,
        settings.stall_timeout_s,
        lambda error: crash(error),
    )
    app.services_first = (app.health, publisher)
    metrics.registry.register(
        StateCollector(
            *(scorer.statistics, vitals.lag_seconds, vitals.lag_records, scorer.drift), settings.labelled_applications
        )
    )

    def crash(error: BaseException) -> None:
        app.add_future(app.crash(error))

    async def score(stream: AsyncIterable[Run]) -> None:
        await app.or_crash(score_executions(stream, scoring))

    async def assigned(_app: Any, assigned: set[TP], **_: Any) -> None:
        await states.release(partitions.assign({tp.partition for tp in assigned if tp.topic == topics.executions.name}))

    async def load() -> None:
        if unloaded := partitions.unloaded():
            await models.load(unloaded)

    async def save() -> None:
        await scoring.save(settings.save_share * settings.save_interval_s)

    async def progress() -> None:
        await report_progress(ledger, topics, delivery, metrics)

    async def silence() -> None:
        await watch_silence(
            scorer,
            partitions,
            vitals.read_to_end,
            scoring.fetch_live,
            topics,
            delivery,
            metrics,
            clock,
            settings.live_within_s,
        )

    app.agent(app.run_topic(topics.executions.name), name="score_executions")(score)
    app.on_partitions_assigned.connect(assigned)
    app.task(lambda: app.or_crash(app.every(_LOAD_POLL_S, load)))
    app.task(lambda: app.or_crash(app.every(settings.save_interval_s, save)))
    app.timer(settings.progress_interval_s)(progress)
    app.timer(settings.silence_interval_s)(silence)
    return app

"""The one place where a scoring worker is put together; nothing connects before it starts."""

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

from tracehound.detectors.forests.fitting import PoolFitter
from tracehound.detectors.scoring.by_settings import ScorerBySettings
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.operations import normalize_operation
from tracehound.streams.envelopes.mapping import FieldMapping
from tracehound.streams.envelopes.opener import ExecutionReader
from tracehound.streams.envelopes.registered import RegisteredSchemas
from tracehound.streams.kafka.asked_extent import extent_of
from tracehound.streams.kafka.changelog import KafkaChangelogReader
from tracehound.streams.kafka.clients import KafkaClients
from tracehound.streams.kafka.columned_batches import read_in_columns
from tracehound.streams.kafka.forwarding import NUMBERS_PER_OFFSET, OriginTopic
from tracehound.streams.kafka.origin_bounds import OriginBounds
from tracehound.streams.scoring.metrics import Metrics, StateCollector
from tracehound.streams.scoring.obey_controls import Controlling, obey_controls
from tracehound.streams.scoring.predictions.answer_requests import Answering, answer_requests
from tracehound.streams.scoring.predictions.given import AnswerRules
from tracehound.streams.scoring.predictions.metrics import PredictionMetrics
from tracehound.streams.scoring.read_run import RunReader
from tracehound.streams.scoring.report_progress import ProgressLedger, report_progress
from tracehound.streams.scoring.score_executions import Scoring, score_executions
from tracehound.streams.scoring.settle_applications import Settling, settle_applications
from tracehound.streams.scoring.tuning.take_tasks import Tuning, take_tasks
from tracehound.streams.scoring.vitals import ScoringVitals
from tracehound.streams.scoring.watch_silence import watch_silence
from tracehound.streams.settings.settings import Settings
from tracehound.streams.states.current_states import CurrentStates
from tracehound.streams.states.model_states import ModelStates
from tracehound.streams.states.partitions import Partitions
from tracehound.streams.states.resident_models import ResidentModels
from tracehound.streams.states.scoring_core import ScoringCore
from tracehound.streams.states.settled_applications import SettledApplications
from tracehound.streams.states.state_folder import StateFolder
from tracehound.streams.states.used_models import UsedModels
from tracehound.streams.worker.foundation import Foundation
from tracehound.streams.worker.process_metrics import DiskCollector
from tracehound.streams.worker.worker import Worker

_MOST_APPLICATIONS = 10_000_000
_LOAD_POLL_S = 0.05
_RETIRE_EVERY_S = 600.0
_DAY_S = 86_400.0
_GIVES_WAY, _GIVES_WAY_TO_ALL = 10, 19


def build_scoring(
    settings: Settings,
    scorer: ScoringCore | None = None,
    clock: Callable[[], float] = time.time,
    elapsed: Callable[[], float] = time.monotonic,
    clients: KafkaClients | None = None,
) -> Worker:
    """Assemble a scoring worker.

    Parameters:
        settings: everything that can be set.
        scorer: the scoring core; without it the real one, with a pool of processes for refits.
        clock: wall time in epoch seconds.
        elapsed: seconds that pass, whatever time it is; silence is measured by them.
        clients: of the cluster; without them those that the settings name.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    topics = settings.topics
    base, closing = Foundation(settings, clients), AsyncExitStack()
    metrics = Metrics(base.registry, settings.labelled_applications)
    metrics.alarm_budget.set(settings.detection.alarm_budget)
    app = base.app(settings.group_id, metrics.offsets_lost)

    changelog = KafkaChangelogReader(base.clients, topics.model_states.name)
    model_topic_id = partial(base.clients.present_topic_id, topics.model_states.name)
    folder = StateFolder(settings.state_dir, topics.model_states.name, model_topic_id)
    closing.callback(folder.close)
    base.registry.register(DiskCollector(folder.path))
    states = ModelStates(topics.model_states.name, folder.path, changelog, base.publisher, app.generation)
    closing.callback(states.close)
    fitter: PoolFitter | None = None
    settled: SettledApplications | None = None
    detection_of: Callable[[ApplicationKey], DetectionSettings] | None = None
    if scorer is None:
        fitter = PoolFitter(settings.fit_processes, metrics.fit_helpers_replaced.inc)
        closing.callback(fitter.close)
        # who is sent away, and saved before, is decided here
        core = ScorerBySettings(replace(settings.detection, applications_per_worker=_MOST_APPLICATIONS), fitter)
        scorer, detection_of = core, core.settings_of
        own = KafkaChangelogReader(base.clients, topics.settings.name)
        settled = SettledApplications(own, settings.partitions, core.settle)

    used = UsedModels(scorer.forget)
    partitions = Partitions(used.forget, partial(app.known_topic_id, topics.executions.name), app.generation)
    vitals = ScoringVitals(app, topics.executions.name, partitions, clock)
    delivery = base.delivery(metrics)
    models = ResidentModels(
        scorer,
        used,
        partitions,
        states,
        delivery,
        metrics,
        settings.detection.applications_per_worker,
        extent_of(base.clients, topics.executions.name),
        settings.model_memory_mb * 1_000_000,
        settled=settled,
        most_per_partition=settings.applications_per_partition,
    )
    bounds = OriginBounds(
        base.clients,
        {
            topics.executions.name: OriginTopic(topics.executions.partitions),
            topics.spans.name: OriginTopic(topics.spans.partitions, NUMBERS_PER_OFFSET),
            topics.log_events.name: OriginTopic(topics.log_events.partitions, NUMBERS_PER_OFFSET),
        },
    )
    closing.push_async_callback(bounds.close)
    reader = RunReader(
        topics.executions.name,
        settings.partitions,
        settings.limits,
        normalize_operation if settings.normalize_operations else None,
        (topics.spans.name, topics.log_events.name),
        executions=ExecutionReader(
            settings.limits, RegisteredSchemas(settings.schemas_dir), FieldMapping(settings.execution_fields)
        ),
        bounds=bounds,
    )
    ledger = ProgressLedger()
    scoring = Scoring(
        *(scorer, partitions, models, reader, delivery, ledger, topics, metrics),
        *(vitals.progressed, clock, app.read_again),
    )
    metrics.registry.register(
        StateCollector(
            *(scorer.statistics, vitals.lag_seconds, vitals.lag_records, scorer.drift), settings.labelled_applications
        )
    )

    controlling = Controlling(
        *(scorer, partitions, models, base.delivery(metrics), topics, metrics, scoring.resting),
        *(app.known_topic_id, vitals.progressed),
    )
    helper = PoolFitter(1, niceness=_GIVES_WAY)  # starts with the first request
    closing.callback(helper.close)
    answering = Answering(
        *(AnswerRules.of(settings), helper, partitions, CurrentStates(scorer, used, states), base.delivery(metrics)),
        *(topics, PredictionMetrics(base.registry), scoring.resting, clock, settings.prediction_share),
        detection_of=detection_of,
    )
    tuner = PoolFitter(1, niceness=_GIVES_WAY_TO_ALL)  # starts with the first task
    closing.callback(tuner.close)
    tuning = Tuning(settings, tuner, base.delivery(metrics), clock)
    read_in_columns(topics.executions.name)
    app.read_runs([topics.executions.name], score_executions, scoring)
    app.read_runs([topics.control.name], obey_controls, controlling)
    if settled is not None:
        settling = Settling(settled, partitions, base.delivery(metrics), topics, metrics, scoring.resting)
        app.read_runs([topics.settings.name], settle_applications, settling)
    app.read_runs([topics.score_requests.name], answer_requests, answering)
    app.read_runs([topics.tuning_tasks.name], take_tasks, tuning)
    app.repeat(_LOAD_POLL_S, models.load_new)
    app.repeat(settings.save_interval_s, partial(scoring.save, settings.save_share * settings.save_interval_s))
    app.repeat(_RETIRE_EVERY_S, partial(scoring.retire, settings.retire_after_days * _DAY_S))
    app.repeat(settings.progress_interval_s, partial(report_progress, ledger, topics, delivery, metrics))
    app.repeat(
        settings.silence_interval_s,
        partial(
            watch_silence,
            scorer,
            partitions,
            vitals.read_to_end,
            scoring.fetch_live,
            topics,
            delivery,
            metrics,
            elapsed,
            settings.live_within_s,
        ),
    )
    health = base.health(vitals, settings.http_port, lambda: _faults(fitter))
    return Worker("worker", settings.group_id, app, health, base.failure, topics.scoring(), closing)


def _faults(fitter: PoolFitter | None) -> list[str]:
    if fitter is None or not fitter.broken:
        return []
    return ["The processes that refit models die again and again (for want of memory?): old models go on judging."]

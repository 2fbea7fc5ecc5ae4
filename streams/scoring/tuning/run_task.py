"""Runs one task of tuning, in a helper process: reads its executions from Kafka, and scores them by its settings."""

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from typing import Any

from aiokafka import ConsumerRecord

from tracehound.detectors.candidates import with_candidate
from tracehound.detectors.scoring.backtest import Stretch, backtest
from tracehound.schemas.errors import BrokerError, TracehoundError
from tracehound.schemas.execution import Execution
from tracehound.schemas.operations import normalize_operation
from tracehound.schemas.tuning import State, TuningResult, TuningTask
from tracehound.streams.envelopes.mapping import FieldMapping
from tracehound.streams.envelopes.opener import ExecutionReader
from tracehound.streams.envelopes.registered import RegisteredSchemas
from tracehound.streams.kafka.bounded_batches import packed_sentence
from tracehound.streams.kafka.bounded_consumer import BoundedConsumer
from tracehound.streams.scoring.tuning.given_up import GivenUp
from tracehound.streams.settings.settings import Settings

_AT_ONCE = 500
_POLL_S = 1.0
_SILENT_S = 30.0
Records = Callable[[Settings, TuningTask], Iterator[Sequence[ConsumerRecord]]]
Watching = Callable[[Settings, TuningTask], AbstractContextManager[Callable[[], bool]]]


class _GivenUpError(TracehoundError):
    """Somebody gave the tuning up."""


def run_task(
    settings: Settings, task: TuningTask, records: "Records | None" = None, watching: Watching = GivenUp
) -> TuningResult:
    """What the candidate would have told. Never raises for what a task asks.

    ``records`` gives the records of its stretch, some at a time; None: from Kafka. ``watching`` tells whether somebody
    gave the tuning up.
    """
    begun = time.perf_counter()
    about: dict[str, Any] = {name: getattr(task, name) for name in ("id", "tuning", "number", "settings")}

    def ended(state: State, error: Exception) -> TuningResult:
        took_s = time.perf_counter() - begun
        return TuningResult(**about, state=state, wall_s=took_s, host=socket.gethostname(), sentence=str(error))

    try:
        detection = with_candidate(settings.detection, task.settings)
        with watching(settings, task) as given_up:
            read = _while_wanted((records or recorded)(settings, task), given_up)
            confirmed = [Stretch(one.start, one.end) for one in task.confirmed]
            found = backtest(detection, _executions(settings, task, read), confirmed, task.most_cpu_s)
    except _GivenUpError as error:
        return ended("cancelled", error)
    except (TracehoundError, ValueError) as error:
        return ended("failed", error)
    cut = "" if found.complete else f"It was cut off after {task.most_cpu_s:g} CPU seconds."
    return TuningResult(
        **about,
        state="done" if found.complete else "cut",
        executions=found.executions,
        days=found.days,
        anomalies=found.anomalies,
        outside=found.outside,
        outside_a_day=found.outside_a_day,
        confirmed=found.confirmed,
        found=found.found,
        recall=found.recall,
        cpu_s=found.cpu_s,
        wall_s=time.perf_counter() - begun,
        host=socket.gethostname(),
        sentence=cut,
    )


def _while_wanted(
    records: Iterator[Sequence[ConsumerRecord]], given_up: Callable[[], bool]
) -> Iterator[Sequence[ConsumerRecord]]:
    while not given_up():
        together = next(records, None)
        if together is None:
            return
        yield together
    raise _GivenUpError("Somebody gave the tuning up.")


def _executions(
    settings: Settings, task: TuningTask, records: Iterator[Sequence[ConsumerRecord]]
) -> Iterator[list[Execution]]:
    schemas, mapping = RegisteredSchemas(settings.schemas_dir), FieldMapping(settings.execution_fields)
    reader = ExecutionReader(settings.limits, schemas, mapping)
    key, until_s = (task.application, task.environment), task.until or float("inf")
    own = task.tuning.encode()
    for together in records:
        batch = []
        for record in together:
            if task.from_file and record.key != own:  # several files may be written at once
                continue
            if record.headers and packed_sentence(record.headers) is not None:
                continue
            judged_at_s = max(record.timestamp / 1_000.0, 0.0) or time.time()
            for one in reader.decode(record.value, record.headers, judged_at_s).executions:
                if (one.application, one.environment) == key and task.since <= one.started_s < until_s:
                    if settings.normalize_operations:
                        one.operation = normalize_operation(one.operation)
                    batch.append(one)
        yield batch


def recorded(settings: Settings, task: TuningTask) -> Iterator[Sequence[ConsumerRecord]]:
    """The records of a task's stretch, as far as Kafka still has them.

    Raises:
        BrokerError: no broker answers, or the topic is not there.
    """
    topic = settings.topics.recorded_executions if task.from_file else settings.topics.executions
    place = (topic.name, task.partition)
    with closing(BoundedConsumer(settings, "tracehound-tuning")) as consumer:
        consumer.assign({place: task.first})
        heard_s, ended = time.monotonic(), task.first >= task.last
        while not ended:
            found = consumer.consume(_AT_ONCE, _POLL_S)
            ended = place in consumer.at_end() or any(record.offset + 1 >= task.last for record in found[-1:])
            if found or ended:
                heard_s = time.monotonic()
            elif time.monotonic() - heard_s > _SILENT_S:
                why = consumer.trouble() or f"Kafka at {settings.bootstrap_servers} gave none for {_SILENT_S:g} s."
                raise BrokerError(f"Executions cannot be read: {why}")
            yield [record for record in found if record.offset < task.last]

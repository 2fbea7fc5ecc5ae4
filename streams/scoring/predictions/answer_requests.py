"""The agent that answers: executions that are to be judged by the models of their application, and not learned."""

import asyncio
import time
from collections.abc import AsyncIterable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from aiokafka import ConsumerRecord

from tracehound.detectors.forests.fitting import Fitter
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.codec import encode
from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.score import Prediction, ScoreAnswer, ScoreProblem, UnreadScoreRequest, read_score_request
from tracehound.schemas.topics import Topics
from tracehound.streams.delivery.delivery import Delivery, Parcel
from tracehound.streams.delivery.letters import letter_of
from tracehound.streams.kafka.forwarding import Partitioner
from tracehound.streams.kafka.publisher import Outgoing
from tracehound.streams.kafka.runs.run import Run, RunListener
from tracehound.streams.scoring.predictions.answerer import answer_in_helper
from tracehound.streams.scoring.predictions.given import AnswerRules
from tracehound.streams.scoring.predictions.metrics import PredictionMetrics
from tracehound.streams.scoring.predictions.time_share import TimeShare
from tracehound.streams.states.current_states import CurrentStates
from tracehound.streams.states.partitions import Partition, Partitions

_TOGETHER = 16
"""Requests that are answered from one snapshot of their application's models."""

_LINES_AT_ONCE = 50

log = structlog.get_logger(__name__)


async def answer_requests(runs: AsyncIterable[Run], answering: "Answering") -> None:
    """Agent. Input: requests for predictions, keyed and partitioned as executions are. Outputs: answers, dead letters.

    A request is answered at least once while somebody waits for it, and not at all afterwards. Nothing is learned, no
    state changes and none is saved.
    """
    async for run in runs:
        await answering.take(run)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, the bytes that it came as, and when (elapsed seconds)."""

    request: UnreadScoreRequest
    value: bytes
    at_s: float


class Answering(RunListener):
    """Answers run after run. Judging is done by a helper process; here is only what has to be.

    Parameters:
        rules: what is judged, and how.
        helper: runs ``answer_in_helper`` in a process that gives way to others.
        resting: held by who looks at models between runs.
        clock: wall time in epoch seconds, which requests expire by.
        share: of this process's time, for all of it.
        detection_of: the settings that an application is judged by; None: those of the rules.
    """

    expires = True

    def __init__(
        self,
        rules: AnswerRules,
        helper: Fitter,
        partitions: Partitions,
        states: CurrentStates,
        delivery: Delivery,
        topics: Topics,
        metrics: PredictionMetrics,
        resting: asyncio.Lock,
        clock: Callable[[], float],
        share: float,
        detection_of: Callable[[ApplicationKey], DetectionSettings] | None = None,
    ) -> None:
        self._rules = rules
        self._detection_of = detection_of or (lambda _: rules.detection)
        self._helper = helper
        self._partitions = partitions
        self._states = states
        self._delivery = delivery
        self._answers = topics.score_answers.name
        self._partitioner = Partitioner(topics.score_requests.partitions)
        self._metrics = metrics
        self._resting = resting
        self._clock = clock
        self._time = TimeShare(share, metrics.loop_seconds.inc)

    async def take(self, run: Run) -> None:
        """Answer what is asked, as long as somebody waits for it, and acknowledge."""
        partition = await self._partitions.loaded(run)
        if partition is None:
            return
        parcel = Parcel(run.tp)
        asked: dict[ApplicationKey, list[_Asked]] = {}
        for record in run.records:
            with self._time.holding():
                one = self._read(record, parcel)
            if one is not None:
                asked.setdefault((one.request.application, one.request.environment), []).append(one)
            await self._time.rest()
        await self._delivery.send(parcel)
        for key, requests in asked.items():
            for first in range(0, len(requests), _TOGETHER):
                if partition.lost or not run.outstanding:  # whoever owns it now reads them again
                    return
                await self._answer(partition, key, requests[first : first + _TOGETHER])
        run.release()
        if await self._delivery.settled():
            run.ack()

    def _read(self, record: ConsumerRecord, parcel: Parcel) -> _Asked | None:
        try:
            request = read_score_request(record.value)
        except InvalidExecutionError as error:
            parcel.dead_letters.append(letter_of(record, record.value, "decode", "InvalidScoreRequest", str(error)))
            return None
        if (right := self._partitioner.partition_of(request.application)) != record.partition:
            reason = (
                f"A request for predictions of {request.application} must be in partition {right}. "
                f"Got {record.partition} instead."
            )
            parcel.dead_letters.append(letter_of(record, record.value, "validate", "WrongPartition", reason))
            return None
        return _Asked(request, record.value, time.perf_counter())

    async def _answer(self, partition: Partition, key: ApplicationKey, requests: Sequence[_Asked]) -> None:
        waiting = [one for one in requests if self._waits(one)]
        if not waiting:
            return
        snapshot = await self._snapshot(partition, key)
        answers = await self._judged(key, waiting, snapshot)
        outgoing = []
        for one, answer in zip(waiting, answers, strict=True):
            if answer is not None and self._waits(one):
                with self._time.holding():
                    outgoing.append(Outgoing(self._answers, answer.id.encode(), encode(answer)))
                await self._note(one, answer)
        await self._delivery.send(Parcel(partition.number, outgoing))
        await self._time.rest()

    def _waits(self, asked: _Asked) -> bool:
        """Whether anybody still waits for the answer."""
        if asked.request.expires_at > self._clock():
            return True
        self._metrics.count_request("expired")
        return False

    async def _snapshot(self, partition: Partition, key: ApplicationKey) -> bytes | None:
        if self._states.is_stored(partition, key):
            return await self._states.stored(partition, key)
        async with self._resting:
            with self._time.holding():
                return self._states.in_memory(key)

    async def _judged(
        self, key: ApplicationKey, requests: Sequence[_Asked], snapshot: bytes | None
    ) -> list[ScoreAnswer | None]:
        """An answer to each request; None where it has not come before nobody waits any more."""
        values, now_s = [one.value for one in requests], self._clock()
        rules = replace(self._rules, detection=self._detection_of(key))
        judging = asyncio.wrap_future(self._helper.submit(answer_in_helper, rules, values, snapshot, now_s))
        await asyncio.wait([judging], timeout=max(one.request.expires_at for one in requests) - now_s)
        if not judging.done():
            judging.cancel()
            self._metrics.count_request("expired", len(requests))
            return [None for _ in requests]
        try:
            return [*judging.result()]
        except Exception as error:
            log.exception("predictions_failed", application=key[0], environment=key[1], requests=len(requests))
            problem = ScoreProblem("failed", f"Judging executions of {key[0]} failed: {type(error).__name__}.")
            return [ScoreAnswer(one.request.id, *key, None, [], problem) for one in requests]

    async def _note(self, asked: _Asked, answer: ScoreAnswer) -> None:
        """One line in the log for each prediction."""
        seconds = time.perf_counter() - asked.at_s
        self._metrics.seconds.observe(seconds)
        about: dict[str, Any] = {
            "request_id": answer.id,
            "application": answer.application,
            "environment": answer.environment,
        }
        problem, model = answer.problem, answer.model
        if problem is not None or model is None:
            failed = problem is not None and problem.kind == "failed"
            self._metrics.count_request("failed" if failed else "refused")
            log.info("prediction_refused", **about, problem=problem and problem.reason)
            return
        self._metrics.count_request("answered", model_version=model.version)
        about |= {"model_version": f"{model.version}.{model.learned}", "latency_ms": round(1000.0 * seconds, 3)}
        for first in range(0, len(answer.predictions), _LINES_AT_ONCE):
            with self._time.holding():
                for index, one in enumerate(answer.predictions[first : first + _LINES_AT_ONCE], first):
                    self._metrics.predictions.labels(one.prediction, model.version).inc()
                    log.info("prediction", **about, index=index, **_said(one))
            await asyncio.sleep(0)


def _said(one: Prediction) -> dict[str, Any]:
    names = ("input_hash", "prediction", "score", "severity", "confidence")
    return {name: getattr(one, name) for name in names}

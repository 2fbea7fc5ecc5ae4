"""A Faust app that reads topics in runs, and tells whoever reads them what becomes of their partitions."""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, TypeVar

import faust
import structlog
from aiokafka.errors import KafkaError
from faust.serializers.schemas import Schema
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.services import ServiceT
from mode.utils.queues import FlowControlEvent

from tracehound.streams.kafka.runs.consumer import RunConsumer
from tracehound.streams.kafka.runs.fetch_pace import FetchPace
from tracehound.streams.kafka.runs.run import MakeRun, Run, RunListener

log = structlog.get_logger(__name__)


class _RunSchema(Schema):
    """Hands the run over as the event's value; there is nothing to decode."""

    def compile(self, app: Any, **_: Any) -> Any:
        async def decode(message: Any, *, propagate: bool = False) -> Any:  # noqa: ARG001 (Faust's signature)
            return app.create_event(None, message.value, None, message)

        return decode


class _KeepingFlowControl(FlowControlEvent):
    """Faust's, but going on does not empty the buffers.

    At the end of a rebalance Faust first seeks and then resumes. A run that was fetched in between would be
    dropped without a word: its records are never handed over, and commits stop before them. Runs from before
    the seek may stay in the buffers: they are no longer outstanding, so nobody takes them.
    """

    def resume(self) -> None:
        """Let messages into the buffers again."""
        self._suspend.clear()
        self._resume.set()


class RunTransport(driver.Transport):
    """Faust's transport, with the consumer that reads in runs."""

    Consumer = RunConsumer


async def _no_id(_: str) -> str:
    return ""


AnyListener = TypeVar("AnyListener", bound=RunListener)
Agent = Callable[[AsyncIterable[Run], AnyListener], Awaitable[None]]


class RunApp(faust.App):
    """A Faust app that reads topics in runs.

    Parameters (beyond Faust's):
        patience_s: how long those who read may take to finish their runs.
        lost: told how many records the broker deleted before they were read.
        reassigned: called after each rebalance, when those who read have been told which partitions they own.
        gather_s: within how many seconds what arrives is gathered and dealt with; 0: fetched as soon as it may be.
        topic_id: asked for the id that a topic was given when it was made; empty: none.
        services_first: started before everything else of the app, and stopped last.
        transport: makes the consumer.
        make_run: makes a run of records.
        broker_is_embedded: delay the group leader, see ``embedded_group.PatientAssignor``.
    """

    mundane_level = "debug"  # mode says at this level that a service starts and stops

    def __init__(
        self,
        name: str,
        *,
        patience_s: float,
        lost: Callable[[int], object],
        reassigned: Callable[[], object] = lambda: None,
        gather_s: float = 0.0,
        topic_id: Callable[[str], Awaitable[str]] = _no_id,
        services_first: Sequence[ServiceT] = (),
        transport: Callable[..., Any] = RunTransport,
        make_run: MakeRun = Run,
        broker_is_embedded: bool = False,
        **options: Any,
    ) -> None:
        self.services_first = services_first
        self.make_run = make_run
        self.broker_is_embedded = broker_is_embedded
        self._transport_type = transport
        self._patience_s = patience_s
        self.pace = FetchPace(gather_s, self._last_took_s)
        self._lost = lost
        self._reassigned = reassigned
        self._ask_topic_id = topic_id
        self._listeners: dict[str, RunListener] = {}  # by topic
        # The policies of aiokafka skip lost records in silence; the consumer announces them.
        super().__init__(name, consumer_auto_offset_reset="none", stream_wait_empty=False, **options)
        self.on_partitions_assigned.connect(self._assigned)

    # --- what it is put together of

    def read_runs(self, topics: Collection[str], agent: Agent[AnyListener], listener: AnyListener) -> None:
        """Let an agent read topics in runs, with what it works with, which is told of their partitions.

        An error of the agent ends the app: restarting it alone would leave its run unacknowledged for ever.
        """
        self._listeners.update(dict.fromkeys(topics, listener))

        async def read(runs: AsyncIterable[Run]) -> None:
            await self._or_crash(agent(runs, listener))

        channel = self.topic(*sorted(topics), schema=_RunSchema())
        self.agent(channel, name=agent.__name__)(read)

    def repeat(self, interval_s: float, act: Callable[[], Awaitable[None]]) -> None:
        """Do something again and again while the app runs, with a pause between; an error ends the app.

        Unlike Faust's timers it does not complain of a turn that takes long.
        """

        async def every() -> None:
            while not self.should_stop:
                await self.sleep(interval_s)
                await act()

        self.task(lambda: self._or_crash(every()))

    async def _or_crash(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:
            await self.crash(error)
            raise

    async def read_again(self) -> None:
        """Go back to what is committed, in all partitions. Runs that are out are given up: their records come again.

        Whoever reads is told where reading begins, as after a rebalance.
        """
        await self.consumer.perform_seek()

    def generation(self) -> int:
        """The generation of the consumer group."""
        return int(self.consumer_generation_id)

    async def topic_id(self, topic: str) -> str:
        """The id that the cluster gave a topic when it was made; empty where it gives none."""
        return await self._ask_topic_id(topic)

    def known_topic_id(self, topic: str) -> str:
        """The same as of when reading of the topic last began."""
        return str(self.consumer.known_topic_id(topic))

    # --- told by the consumer

    @property
    def run_topics(self) -> Collection[str]:
        """The topics that are read in runs."""
        return self._listeners.keys()

    async def _assigned(self, _app: Any, assigned: Iterable[TP], **_: Any) -> None:
        for listener in self._all_listeners():
            await listener.assigned([tp for tp in assigned if self._listeners.get(tp.topic) is listener])
        self._reassigned()

    def positioned(self, committed: Mapping[TP, int | None]) -> None:
        """Tell those who read where reading begins."""
        for listener in self._all_listeners():
            own = {tp: offset for tp, offset in committed.items() if self._listeners.get(tp.topic) is listener}
            if own:
                listener.positioned(own)

    def offsets_lost(self, tp: TP, wanted: int, resumed_at: int) -> None:
        """Count what is lost, and tell whoever reads the topic."""
        listener = self._listeners.get(tp.topic)
        if listener is None or not listener.expires:
            self._lost(max(0, resumed_at - wanted))
        if listener is not None:
            listener.offsets_lost(tp, wanted, resumed_at)

    async def finish_runs(self) -> None:
        """Hand nothing more over, and let those who read finish what they have, or give up after the patience."""
        self.consumer.stop_flow()
        self.flow_control.suspend()
        self.flow_control.clear()
        try:
            async with asyncio.timeout(self._patience_s):
                await asyncio.gather(*(listener.finish_runs() for listener in self._all_listeners()))
        except TimeoutError:
            log.warning(
                "runs_given_up",
                sentence=f"Not everything could be delivered and saved within {self._patience_s:g} s; "
                "it will be read again.",
            )

    def _last_took_s(self) -> float:
        return max((listener.took_s for listener in self._listeners.values()), default=0.0)

    def _all_listeners(self) -> list[RunListener]:
        return list({id(listener): listener for listener in self._listeners.values()}.values())

    # --- Faust's

    def on_init_dependencies(self) -> Iterable[ServiceT]:
        """Our services first, then Faust's."""
        return [*self.services_first, *super().on_init_dependencies()]

    @cached_property
    def flow_control(self) -> FlowControlEvent:
        """What suspends and resumes the flow into the buffers."""
        return _KeepingFlowControl(loop=self.loop)

    async def _stop_consumer(self) -> None:
        if self._consumer is not None and self._consumer.started:
            try:
                await self.finish_runs()
                with suppress(KafkaError):
                    await self._consumer.commit()
            except Exception as error:  # noqa: BLE001 (the app must stop all the same, and its status says so)
                await self.crash(error)
        await super()._stop_consumer()

    def _create_directories(self) -> None:
        """Nothing is kept on disk."""

    def _new_transport(self) -> Any:
        return self._transport_type(self.conf.broker_consumer, self)

    def _new_consumer(self) -> RunConsumer:
        consumer: RunConsumer = super()._new_consumer()
        return consumer

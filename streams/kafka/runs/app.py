"""A Faust app that reads some of its topics in runs."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

import faust
from aiokafka.errors import KafkaError
from faust.serializers.schemas import Schema
from faust.transport.drivers import aiokafka as driver
from mode.services import ServiceT
from mode.utils.queues import FlowControlEvent

from tracehound.streams.kafka.runs.consumer import RunConsumer
from tracehound.streams.kafka.runs.run import RunListener


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


class _RunTransport(driver.Transport):
    Consumer = RunConsumer


class RunApp(faust.App):
    """A Faust app that reads some topics in runs.

    Parameters (beyond Faust's):
        run_topics: names of the topics whose events are runs.
        runs: told of revocations, positions and losses.
        services_first: started before everything else of the app, and stopped last.
        broker_is_embedded: delay the group leader, see ``embedded_group.PatientAssignor``.
    """

    mundane_level = "debug"  # mode says at this level that a service starts and stops

    def __init__(
        self,
        name: str,
        *,
        run_topics: Collection[str],
        runs: RunListener,
        services_first: Sequence[ServiceT] = (),
        broker_is_embedded: bool = False,
        **options: Any,
    ) -> None:
        self.run_topics = frozenset(run_topics)
        self.runs = runs
        self.services_first = services_first
        self.broker_is_embedded = broker_is_embedded
        # The policies of aiokafka skip lost records in silence; the consumer above announces them.
        super().__init__(name, consumer_auto_offset_reset="none", stream_wait_empty=False, **options)

    def run_topic(self, *names: str, **options: Any) -> Any:
        """Topics of ``run_topics`` as a channel for agents; the events' values are ``Run``."""
        return self.topic(*names, schema=_RunSchema(), **options)

    def on_init_dependencies(self) -> Iterable[ServiceT]:
        """Our services first, then Faust's."""
        return [*self.services_first, *super().on_init_dependencies()]

    @cached_property
    def flow_control(self) -> FlowControlEvent:
        """What suspends and resumes the flow into the buffers."""
        return _KeepingFlowControl(loop=self.loop)

    async def finish_runs(self) -> None:
        """Hand nothing more over, and let the listener finish what it has."""
        self.consumer.stop_flow()
        self.flow_control.suspend()
        self.flow_control.clear()
        await self.runs.finish_runs()

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

    def _new_transport(self) -> _RunTransport:
        return _RunTransport(self.conf.broker_consumer, self)

    def _new_consumer(self) -> RunConsumer:
        consumer: RunConsumer = super()._new_consumer()
        return consumer

"""What became of a message is told once it is known, with an id that follows from what it says."""

import asyncio
from collections.abc import Sequence

import msgspec

from tests.streams.notify.conftest import make_event, make_notice
from tracehound.schemas.delivery import DELIVERY_TYPES, DeliveryEvent
from tracehound.streams.kafka.publisher import Outgoing, RefusedError
from tracehound.streams.notify.delivery_reports import DeliveryReports


class Kept:
    """A publisher that keeps what it is given, or refuses it."""

    def __init__(self, refuses: bool = False) -> None:
        self.outgoing: list[Outgoing] = []
        self._refuses = refuses

    async def publish(self, outgoing: Outgoing) -> None:
        if self._refuses:
            raise RefusedError("too large")
        self.outgoing.append(outgoing)

    async def publish_in_order(self, outgoing: Sequence[Outgoing]) -> None:
        raise NotImplementedError

    async def publish_together(self, outgoing: Sequence[Outgoing]) -> list[Outgoing]:
        raise NotImplementedError


def test_a_message_is_told_as_taken_or_as_given_up_and_why() -> None:
    notice, kept = make_notice(make_event("i1", 3)), Kept()
    reports = DeliveryReports(kept, "deliveries.v1", lambda: float(notice.record.timestamp) / 1000 + 2.5)
    for reason in ("", "It is away.", ""):
        asyncio.run(reports.report(notice, "webhook", reason))
    taken, given_up, again = (msgspec.json.decode(one.value or b"", type=DeliveryEvent) for one in kept.outgoing)
    assert {(one.topic, one.key) for one in kept.outgoing} == {("deliveries.v1", b"i1")}
    assert (taken.type, taken.data.outcome, taken.data.reason) == (DELIVERY_TYPES["delivered"], "delivered", "")
    assert (given_up.data.outcome, given_up.data.reason) == ("given_up", "It is away.")
    assert (taken.data.event_id, taken.data.revision, taken.data.delay_s) == (notice.event.id, 3, 2.5)
    assert (taken.id == again.id, taken.id == given_up.id) == (True, False)


def test_a_report_that_no_broker_takes_ends_nothing() -> None:
    reports = DeliveryReports(Kept(refuses=True), "deliveries.v1", lambda: 0.0)
    asyncio.run(reports.report(make_notice(make_event()), "webhook", ""))

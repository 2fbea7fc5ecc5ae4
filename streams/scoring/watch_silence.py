"""Looks for applications that fell silent, in partitions that have been read to their end."""

from collections.abc import Awaitable, Callable, Sequence

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.topics import Topics
from tracehound.streams.delivery.delivery import Delivery, Parcel
from tracehound.streams.delivery.outputs import anomalies_outgoing, incident_input_of, incident_input_outgoing
from tracehound.streams.scoring.decision_log import log_anomaly
from tracehound.streams.scoring.metrics import Metrics
from tracehound.streams.states.partitions import Partition, Partitions, Seen
from tracehound.streams.states.scoring_core import ScoringCore

_NO_SOURCE = -1


def event_time_now(seen: Seen, elapsed_s: float) -> float:
    """What time it is in an application that has been quiet, with ``elapsed_s`` on this process's clock.

    Nothing but what passes in this process counts: neither the clock of the machine, which may be set, nor that of a
    sender, nor the time before this process began to look. So a replay of the past, or a worker that has just caught
    up, is not silent.

    >>> event_time_now(Seen(newest_event_s=500.0, scored_at_s=900.0, quiet_since_s=7.0), elapsed_s=67.0)
    560.0
    """
    if seen.quiet_since_s is None:
        seen.quiet_since_s = elapsed_s
    return seen.newest_event_s + elapsed_s - seen.quiet_since_s


async def watch_silence(
    scorer: ScoringCore,
    partitions: Partitions,
    read_to_end: Callable[[int], bool],
    fetch_live: Callable[[Partition, Sequence[ApplicationKey], float], Awaitable[None]],
    topics: Topics,
    delivery: Delivery,
    metrics: Metrics,
    elapsed: Callable[[], float],
    live_within_s: float,
) -> None:
    """Timer. Input: what is remembered of owned partitions. Outputs: anomalies, keyed by application; incident input.

    ``elapsed`` gives seconds that pass, whatever time it is. Sent at least once with an id that names the missed
    window; model state is never changed.
    """
    elapsed_s = elapsed()
    found: list[AnomalyEvent] = []
    for partition in partitions:
        if read_to_end(partition.number):
            live = {
                application: event_time_now(seen, elapsed_s)
                for application, seen in partition.applications.items()
                if seen.scored_at_s - seen.newest_event_s <= live_within_s  # not the past, replayed
            }
            if waiting := [application for application in live if application in partition.unrestored]:
                await fetch_live(partition, waiting, max(live.values()))
            for application, event_s in live.items():
                found += scorer.judge_silence(event_s, [application])
            metrics.silence_looks.labels(partition=str(partition.number)).inc()
    await publish_anomalies(found, topics, delivery, metrics)


async def publish_anomalies(
    found: Sequence[AnomalyEvent], topics: Topics, delivery: Delivery, metrics: Metrics
) -> None:
    """Hand anomalies that belong to no run to the delivery."""
    if found:
        metrics.count_anomalies(found)
        told = incident_input_outgoing(incident_input_of(found, ()), topics.incident_input.name)
        for anomaly in found:
            log_anomaly(anomaly)
        await delivery.send(Parcel(_NO_SOURCE, [*anomalies_outgoing(found, topics.anomalies.name), *told]))

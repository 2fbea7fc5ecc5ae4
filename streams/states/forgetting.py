"""Which applications are remembered no longer: those that sent nothing for long, and names that were made up."""

from collections.abc import Iterable

import structlog

from tracehound.streams.states.partitions import Partition
from tracehound.streams.states.used_models import UsedModels

log = structlog.get_logger(__name__)


def retire(partitions: Iterable[Partition], used: UsedModels, unused_since_s: float) -> int:
    """Forget applications of which nothing was scored since this wall time, and let their states be removed.

    Call it between runs. Returns how many they were; if one comes back it starts cold.
    """
    retired = [key for partition in partitions for key in partition.retire(unused_since_s)]
    for key in retired:
        used.forget(key)
        log.info("application_retired", application=key[0], environment=key[1])
    return len(retired)


def crowd_out(partition: Partition, used: UsedModels, most: int, now_s: float) -> int:
    """Have a partition remember at most about so many applications; see ``Partition.crowd_out``.

    Call it between runs. Returns how many are remembered no longer.
    """
    was_full, gone = partition.full, partition.crowd_out(most, now_s)
    for key in gone:
        used.forget(key)
    if gone:
        log.warning(
            "applications_crowded_out",
            partition=partition.number,
            applications=len(gone),
            sentence=f"Partition {partition.number} must have at most {most:,} applications (the setting "
            f"'applications_per_partition'). Got more instead: {len(gone):,} that were quiet for longer than they had "
            f"been heard are forgotten, {gone[0][0]!r} among them.",
        )
    if partition.full and not was_full:
        log.error(
            "applications_full",
            partition=partition.number,
            sentence=f"Partition {partition.number} must have at most {most:,} applications (the setting "
            f"'applications_per_partition'). Got {partition.full:,} that are all in use instead: executions of further "
            "ones become dead letters (TooManyApplications).",
        )
    return len(gone)

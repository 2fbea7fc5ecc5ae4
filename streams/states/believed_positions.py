"""Positions of stored states are believed only within the topic that they are offsets of."""

import msgspec
import structlog

from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.model_state import Head
from tracehound.streams.kafka.extent import Extent
from tracehound.streams.states.partitions import Partition

log = structlog.get_logger(__name__)


def bring_within(extent: Extent, partition: Partition, heads: dict[ApplicationKey, Head]) -> None:
    """Believe positions of states only within the topic of executions that there is.

    Models are kept. Where the topic was made anew all that it holds is to be learned; where it ends before a position,
    what follows its end. What is told of an application is told when it is next used.
    """
    partition.topic_id = extent.topic_id
    moved: list[ApplicationKey] = []
    for key, head in heads.items():
        position = extent.within(partition.number, head.position) if extent.is_of(head.topic_id) else 0
        if position == head.position:
            continue
        moved.append(key)
        heads[key] = msgspec.structs.replace(head, position=position)
        why = "ends before that" if position else "was made anew"
        partition.doubtful[key] = (
            f"What {key[0]} has learned reaches to offset {head.position} of partition {partition.number}, and the "
            f"topic {why}: its models are kept, learning goes on at offset {position}, and executions may be missing."
        )
    if moved:
        partition.epoch = max(partition.epoch, *(1 + head.epoch for head in heads.values()))
        log.error(
            "positions_begin_again",
            sentence=f"States of {len(moved)} applications are of offsets that partition {partition.number} does not "
            f"have: {partition.doubtful[moved[0]]}",
            partition=partition.number,
            applications=len(moved),
        )

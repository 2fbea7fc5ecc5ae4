"""Which records tell their applications something new, of many at once: those with an origin are learned once."""

import numpy as np

from tracehound.detectors.bank import Slots
from tracehound.detectors.columns.heads import Heads
from tracehound.schemas.execution import ApplicationKey
from tracehound.streams.kafka.forwarding import Origin, named
from tracehound.streams.kafka.origin_columns import NO_ORIGIN, OriginColumns
from tracehound.streams.states.partitions import Partition


def all_news(
    partition: Partition, heads: Heads, records: Slots, origins: OriginColumns
) -> list[tuple[ApplicationKey, Origin]] | None:
    """What is to be noted of records whose applications have learned none of them before, by their origins: the last
    of each application and source. None where any has.

    Parameters:
        heads: the executions of the records.
        records: (n,) the record that each execution came from, a place in ``origins``.
    """
    rows = np.flatnonzero(origins.topic[records] != NO_ORIGIN)
    if not rows.size:
        return []
    at = records[rows]
    source = origins.partition[at] * len(origins.topics) + origins.topic[at]
    pair = heads.application[rows] * (int(source.max()) + 1) + source
    order = np.argsort(pair, kind="stable")
    pair, at = pair[order], at[order]
    first = np.flatnonzero(np.diff(pair, prepend=-1))
    rises = np.diff(origins.offset[at], prepend=-1) > 0
    rises |= np.diff(at, prepend=-1) == 0  # of one array
    rises[first] = True
    if not rises.all():
        return None
    names = heads.names.applications.names
    keys = [names[number] for number in heads.application[rows[order[first]]].tolist()]
    topics = [named(*topic) for topic in origins.topics]
    columns = (column[at[first]].tolist() for column in (origins.topic, origins.partition, origins.offset))
    for key, topic, number, offset in zip(keys, *columns, strict=True):
        if offset <= partition.learned_through(key, (topics[topic], number)):
            return None
    ends = at[np.append(first[1:], len(at)) - 1]
    return [(keys[place], origins.origin(int(ends[place]))) for place in np.argsort(ends, kind="stable").tolist()]

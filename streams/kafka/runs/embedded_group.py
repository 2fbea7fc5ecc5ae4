"""What consumer groups on the embedded broker need beyond those of Apache Kafka."""

import time
from typing import Any

from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

_SYNC_DELAY_S = 0.4


class PatientAssignor(RoundRobinPartitionAssignor):
    """Round robin for the embedded broker, which refuses a follower whose SyncGroup comes after the leader's.

    Only the leader assigns, so only its SyncGroup is late; the pause holds up the consumer's own thread.
    """

    @classmethod
    def assign(cls, cluster: Any, members: Any) -> Any:
        """Assign after a pause in which the followers' SyncGroups arrive."""
        time.sleep(_SYNC_DELAY_S)
        return super().assign(cluster, members)

"""Records executions of an application, with their segments, and sends them to tracehound in the background.

>>> from tracehound_client import Client, segment
>>> client = Client("shop")
>>> @client.execution("GET /cart")
... def cart() -> str:
...     with segment("SELECT cart", "db"):
...         return "two shelves"
"""

from tracehound_client.client import Client
from tracehound_client.executions import Execution, Segment, current
from tracehound_client.kinds import ExecutionKind, SegmentKind, Status
from tracehound_client.segments import segment
from tracehound_client.sending import Bounds, Counts
from tracehound_client.transports.gateway import Gateway
from tracehound_client.transports.kafka import Kafka
from tracehound_client.transports.transport import Outcome, Transport

__all__ = [
    "Bounds",
    "Client",
    "Counts",
    "Execution",
    "ExecutionKind",
    "Gateway",
    "Kafka",
    "Outcome",
    "Segment",
    "SegmentKind",
    "Status",
    "Transport",
    "current",
    "segment",
]

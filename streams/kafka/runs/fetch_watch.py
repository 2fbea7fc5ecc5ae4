"""Tells of the fetches that an aiokafka client sends, which it tells nobody of."""

from collections.abc import Callable
from typing import Any, TypeVar

from aiokafka.protocol.fetch import FetchRequest

T = TypeVar("T")


def watch_fetches(client: Any, sending: Callable[[], T], answered: Callable[[T, FetchRequest, Any], None]) -> None:
    """Tell of each fetch that an ``AIOKafkaClient`` sends from now on, once it is answered.

    Parameters:
        sending: called before a fetch is sent.
        answered: told what that gave, the request and its answer.
    """
    send = client.send

    async def noting(node_id: int, request: Any, **more: Any) -> Any:
        if not isinstance(request, FetchRequest):
            return await send(node_id, request, **more)
        noted = sending()
        answer = await send(node_id, request, **more)
        answered(noted, request, answer)
        return answer

    client.send = noting

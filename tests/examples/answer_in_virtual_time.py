"""The example's service, asked at random moments of a virtual clock: no delay is longer than it was drawn.

It is a process of its own: ``python answer_in_virtual_time.py <requests> <seed>``, with the service on its path. What
it drew goes to the standard output, a line of JSON: the delays in milliseconds, and the values.
"""

import asyncio
import json
import random
import sys
import time
from unittest import mock

from tests.virtual_time import VirtualTimeLoop

PER_S = 200.0
AT_ONCE = 2_000
LONGEST_AGO_S = 1_200.0
SCOPE = {
    **{"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http"},
    **{"path": "/random", "raw_path": b"/random", "query_string": b"", "root_path": "", "headers": []},
    **{"client": ("127.0.0.1", 50_000), "server": ("127.0.0.1", 8_000), "state": {}},
}


def answer(requests: int) -> dict[str, list[float]]:
    """Ask the service, and return what it drew."""
    import service  # type: ignore[import-not-found]

    drawn: dict[str, list[float]] = {"delays_ms": [], "values": []}
    lognormal, normal = random.lognormvariate, random.gauss

    def delay(mu: float, sigma: float) -> float:
        factor = lognormal(mu, sigma)
        drawn["delays_ms"].append(factor * service.DELAY_MS)
        return factor

    def value(mu: float, sigma: float) -> float:
        drawn["values"].append(normal(mu, sigma))
        return drawn["values"][-1]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: object) -> None: ...

    async def visit() -> None:
        await service.app(dict(SCOPE), receive, send)

    def now_s() -> float:
        return wall_s + loop.time() - begun_s

    async def main() -> None:
        for first in range(0, requests, AT_ONCE):
            visits = []
            for _ in range(min(AT_ONCE, requests - first)):
                await asyncio.sleep(random.expovariate(PER_S))
                visits.append(asyncio.create_task(visit()))
            await asyncio.gather(*visits)
            assert service.client.flush(120)  # it is sent in real time, and would drop what is too much

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        loop = runner.get_loop()
        begun_s, wall_s = loop.time(), time.time() - LONGEST_AGO_S
        with (
            mock.patch.object(time, "perf_counter", loop.time),
            mock.patch.object(time, "time", now_s),
            mock.patch.object(random, "lognormvariate", delay),
            mock.patch.object(random, "gauss", value),
        ):
            runner.run(main())
    counts = service.client.counts
    assert (counts.sent, counts.dropped) == (requests, 0), counts
    return drawn


if __name__ == "__main__":
    random.seed(int(sys.argv[2]))
    print(json.dumps(answer(int(sys.argv[1]))))

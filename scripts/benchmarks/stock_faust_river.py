"""Contender: a Faust agent as its documentation writes it, with River's half-space trees, event by event.

Run as ``python -m scripts.benchmarks.stock_faust_river BOOTSTRAP TOPIC GROUP``; prints how many it has scored.
"""

import asyncio
import os
import sys
from collections import defaultdict
from typing import Any

import faust
from river import anomaly

REPORT_S = 0.2


def build(bootstrap: str, topic: str, group: str) -> Any:
    """The app: one agent, one model per application, no table (a table is slower still)."""
    app = faust.App(group, broker=f"kafka://{bootstrap}", topic_allow_declare=False, topic_disable_leader=True)
    executions = app.topic(topic, value_serializer="json")
    models: dict[str, anomaly.HalfSpaceTrees] = defaultdict(lambda: anomaly.HalfSpaceTrees(seed=1))
    scored = 0

    @app.agent(executions)  # type: ignore[untyped-decorator] # faust publishes no types
    async def score(stream: Any) -> None:
        nonlocal scored
        async for execution in stream:
            model = models[execution["application"]]
            features = {
                "duration": min(1.0, execution["duration_ms"] / 1000),
                "segments": min(1.0, len(execution["segments"]) / 20),
                "longest": min(1.0, max(segment["duration_ms"] for segment in execution["segments"]) / 1000),
                "error": float(execution.get("status") == "error"),
            }
            model.score_one(features)
            model.learn_one(features)
            scored += 1

    @app.task  # type: ignore[untyped-decorator] # as above
    async def report() -> None:
        while not app.should_stop:
            os.write(1, b"%d\n" % scored)  # past the worker's redirection of standard output
            await asyncio.sleep(REPORT_S)

    return app


if __name__ == "__main__":
    application = build(*sys.argv[1:4])
    sys.argv = ["stock_faust_river", "worker", "--without-web", "-l", "warn"]
    application.main()

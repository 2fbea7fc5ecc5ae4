"""Contender: a Faust agent as its documentation writes it: River's half-space trees, counts in a table, one by one.

Run as ``python -m tracehound.scripts.benchmarks.throughput.contenders.faust_river BOOTSTRAP TOPIC PARTITIONS GROUP``.
"""

import sys
from collections import defaultdict
from typing import Any

import faust
from river import anomaly

from tracehound.scripts.benchmarks.throughput.contenders.four_features import four_features
from tracehound.scripts.benchmarks.throughput.contenders.printed_count import PrintedCount

TABLE = "scored"


def changelog_of(group: str) -> str:
    """The name of the table's changelog topic, which must exist: the embedded broker lets no client create any."""
    return f"{group}-{TABLE}-changelog"


def build(bootstrap: str, topic: str, partitions: int, group: str, count: PrintedCount) -> Any:
    """The app: one agent, one model per application in memory, one table with a count per application."""
    app = faust.App(
        group,
        broker=f"kafka://{bootstrap}",
        topic_partitions=partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
    )
    executions = app.topic(topic, value_serializer="json")
    scored = app.Table(TABLE, default=int, partitions=partitions)
    models: dict[str, anomaly.HalfSpaceTrees] = defaultdict(lambda: anomaly.HalfSpaceTrees(seed=1))

    @app.agent(executions)  # type: ignore[untyped-decorator] # faust publishes no types
    async def score(stream: Any) -> None:
        async for execution in stream:
            application = execution["application"]
            model = models[application]
            features = four_features(execution)
            model.score_one(features)
            model.learn_one(features)
            scored[application] += 1
            count.done += 1

    return app


if __name__ == "__main__":
    [server, name, number, group_id] = sys.argv[1:]
    counted = PrintedCount()
    counted.start()
    application = build(server, name, int(number), group_id, counted)
    sys.argv = ["faust_river", "worker", "--without-web", "-l", "warn"]
    application.main()

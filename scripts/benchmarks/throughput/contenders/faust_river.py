"""Contenders: Faust agents as its documentation writes them, with River's half-space trees; one has no table.

Run as ``python -m tracehound.scripts.benchmarks.throughput.contenders.faust_river HOW BOOTSTRAP TOPIC PARTITIONS
GROUP``, where ``HOW`` is one of ``HOWS``.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, Final
from weakref import ref

import faust
from faust.streams import _current_event
from river import anomaly

from tracehound.scripts.benchmarks.throughput.contenders.four_features import four_features
from tracehound.scripts.benchmarks.throughput.contenders.printed_count import PrintedCount

TABLE: Final = "scored"
HOWS: Final = ("no-table", "table", "take")
"""Event by event with models alone; with a count per application in a table, too; the same, many events at a time."""
_LINGER_S: Final = 0.1
_TAKEN: Final = 100
_WITHIN_S: Final = 1.0


def changelog_of(group: str) -> str:
    """The name of the table's changelog topic, which must exist: the embedded broker lets no client create any."""
    return f"{group}-{TABLE}-changelog"


class Models:
    """One model per application in memory."""

    def __init__(self) -> None:
        self._models: dict[str, anomaly.HalfSpaceTrees] = defaultdict(lambda: anomaly.HalfSpaceTrees(seed=1))

    def judge(self, execution: Mapping[str, Any]) -> str:
        """Score an execution, then learn it; returns its application."""
        application: str = execution["application"]
        model, features = self._models[application], four_features(execution)
        model.score_one(features)
        model.learn_one(features)
        return application


def build(how: str, bootstrap: str, topic: str, partitions: int, group: str, count: PrintedCount) -> Any:
    """The app: one agent and its models, and a table with a count per application unless ``how`` says otherwise.

    Who takes many events at a time writes each application's count once for them, to the partition of its last event:
    without a current event a table takes nothing, and Faust has none where events are taken.
    """
    linger = {"producer_linger": _LINGER_S} if how == "take" else {}
    app = faust.App(
        group,
        broker=f"kafka://{bootstrap}",
        topic_partitions=partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        **linger,
    )
    executions = app.topic(topic, value_serializer="json")
    models = Models()
    if how == "no-table":

        async def score(stream: Any) -> None:
            async for execution in stream:
                models.judge(execution)
                count.done += 1

    elif how == "table":
        counts = app.Table(TABLE, default=int, partitions=partitions)

        async def score(stream: Any) -> None:
            async for execution in stream:
                counts[models.judge(execution)] += 1
                count.done += 1

    else:
        counts = app.Table(TABLE, default=int, partitions=partitions)

        async def score(stream: Any) -> None:
            async for taken in stream.take_events(_TAKEN, within=_WITHIN_S):
                last = {models.judge(event.value): event for event in taken}
                more = Counter(event.value["application"] for event in taken)
                for application, event in last.items():
                    _current_event.set(ref(event))
                    counts[application] += more[application]
                count.done += len(taken)

    app.agent(executions)(score)
    return app


if __name__ == "__main__":
    [how_, server, name, number, group_id] = sys.argv[1:]
    counted = PrintedCount()
    counted.start()
    application_ = build(how_, server, name, int(number), group_id, counted)
    sys.argv = ["faust_river", "worker", "--without-web", "-l", "warn"]
    application_.main()

"""Contender: a Quix Streams dataframe as its documentation writes it: River's half-space trees, counts in its state.

Run by an interpreter that has ``quix_river.lock`` installed, as
``python -m tracehound.scripts.benchmarks.throughput.contenders.quix_river BOOTSTRAP TOPIC GROUP STATE_FOLDER``.
"""

import sys
from collections import defaultdict
from typing import Any

from quixstreams import Application, State
from river import anomaly

from tracehound.scripts.benchmarks.throughput.contenders.four_features import four_features
from tracehound.scripts.benchmarks.throughput.contenders.printed_count import PrintedCount


def build(bootstrap: str, topic: str, group: str, state_folder: str, count: PrintedCount) -> Application:
    """The app: one stateful function, one model per application in memory, one count per key in the state."""
    app = Application(
        broker_address=bootstrap,
        consumer_group=group,
        auto_offset_reset="earliest",
        state_dir=state_folder,
        loglevel="WARNING",
    )
    models: dict[str, anomaly.HalfSpaceTrees] = defaultdict(lambda: anomaly.HalfSpaceTrees(seed=1))

    def score(execution: dict[str, Any], state: State) -> None:
        model = models[execution["application"]]
        features = four_features(execution)
        model.score_one(features)
        model.learn_one(features)
        state.set("scored", state.get("scored", 0) + 1)
        count.done += 1

    app.dataframe(app.topic(topic, value_deserializer="json")).update(score, stateful=True)
    return app


if __name__ == "__main__":
    counted = PrintedCount()
    counted.start()
    [server, name, group_id, folder] = sys.argv[1:]
    build(server, name, group_id, folder, counted).run()

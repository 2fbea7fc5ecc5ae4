"""What is decided is written down once for each anomaly, with what it was decided of and by which model."""

import msgspec
from structlog.testing import capture_logs

from tests.streams.scoring.scoring_work import TOPICS, Work, execution, run
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.codec import content_digest
from tracehound.schemas.execution import Execution
from tracehound.streams.scoring.decision_log import log_anomaly


def test_each_anomaly_is_a_line_of_the_log_and_nothing_else_is(work: Work) -> None:
    given = [execution(n, duration_ms=20_000 if n == 130 else 5) for n in range(250)]

    async def test() -> None:
        with capture_logs() as lines:
            await work.take(work.run_of(given))
            await work.delivery.idle()
        (sent,) = work.publisher.topic(TOPICS.anomalies.name)
        told = msgspec.json.decode(sent.value, type=AnomalyEvent)
        [line] = [line for line in lines if line["event"] == "anomaly"]
        assert line["latency_ms"] > 0.0
        assert line["anomaly_id"] == told.id
        judged = msgspec.json.decode(execution(130, duration_ms=20_000, operation="get /"), type=Execution)
        assert line["input_hash"] == content_digest(
            judged
        )  # as it was read: the rules of this agent's reader are lower
        assert {"kind", "model_version", "score", "severity", "confidence"} <= line.keys()
        with capture_logs() as of_silence:
            log_anomaly(told)  # decided at no execution, since none came
        assert of_silence == [{**line, "input_hash": None, "latency_ms": None}]
        assert (line["application"], line["prediction"], line["log_level"]) == ("shop", "anomalous", "info")

    run(test())

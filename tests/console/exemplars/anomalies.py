"""Anomalies that are in the store, for tests of what is kept of the executions that they name."""

from typing import Any

import msgspec
from sqlalchemy import insert

from tracehound.console.store.engine import Store
from tracehound.console.store.tables import anomalies
from tracehound.schemas.anomaly import ANOMALY_TYPE, Anomaly, AnomalyEvent, ModelStamp
from tracehound.schemas.execution import rfc3339


def anomaly(trace_id: str, operation: str = "GET /cart", **changed: Any) -> Anomaly:
    """One of the latency of an execution."""
    about: dict[str, Any] = {
        **{"application": "shop", "operation": operation, "environment": "", "version": "", "kind": "latency"},
        **{"score": 9.0, "sigma": 9.0, "severity": "major", "confidence": 0.9, "signal": "self_time", "typical": 20.0},
        **{"actual": 900.0, "bounds": (10.0, 40.0), "unit": "ms", "contributions": {}, "reason": "It took long."},
        **{"exemplar_trace_ids": [trace_id] if trace_id else [], "window": None, "incident_key": "key"},
        "model": ModelStamp("chart", "1", 500, None, False),
    }
    return Anomaly(**(about | changed))


def told(store: Store, anomaly_id: str, about: Anomaly, at_s: float) -> None:
    """Store an anomaly as the reader of topics does."""
    event = AnomalyEvent(anomaly_id, "tracehound", ANOMALY_TYPE, about.application, rfc3339(at_s), about)
    encoded = msgspec.json.encode(event).decode()
    named = {name: getattr(about, name) for name in ("application", "environment", "operation", "version", "kind")}
    with store.write() as connection:
        connection.execute(
            insert(anomalies).values(
                **named,
                id=anomaly_id,
                time_us=int(at_s * 1e6),
                told_us=int(at_s * 1e6),
                severity="major",
                severity_rank=1,
                score=9.0,
                signal="self_time",
                incident_key="key",
                bytes=len(encoded),
                event=encoded,
            )
        )

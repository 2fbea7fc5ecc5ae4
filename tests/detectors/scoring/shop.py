"""Executions of a small shop, changed and slowed, and a scorer that is given them."""

import random
from typing import Any

import msgspec

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import Execution, Segment

SETTINGS = DetectionSettings(first_refit=200, reservoir=300, refit_delay=64)


def workload(application: str, count: int, seed: int = 1, start: float = 0.0) -> list[Execution]:
    """Executions of two operations, one a second, with a call and a query each."""
    draw = random.Random(f"{application}{seed}")
    made = []
    for i in range(count):
        remote = draw.lognormvariate(3, 0.2)
        gap = draw.lognormvariate(1, 0.2)
        query = draw.lognormvariate(2, 0.2)
        own = draw.lognormvariate(3, 0.2)
        call = Segment("GET /stock", remote + gap, "http", own / 2, peer="stock", remote_ms=remote)
        segments = [call, Segment("SELECT", query, "db", own / 2 + remote + gap)]
        made.append(
            Execution(
                application,
                f"GET /{i % 2}",
                start + i,
                own + remote + gap + query,
                trace_id=f"{application}-{seed}-{i}",
                segments=segments,
                status="error" if draw.random() < 0.002 else "ok",
            )
        )
    return made


def changed(executions: list[Execution], **changes: Any) -> list[Execution]:
    return [msgspec.structs.replace(execution, **changes) for execution in executions]


def slowed(executions: list[Execution], milliseconds: float, **changes: Any) -> list[Execution]:
    return [
        msgspec.structs.replace(execution, duration_ms=execution.duration_ms + milliseconds, **changes)
        for execution in executions
    ]


def scorer(settings: DetectionSettings = SETTINGS) -> Scorer:
    return Scorer(settings, InlineFitter())


def events(found: Scorer, executions: list[Execution], size: int = 10_000) -> list[AnomalyEvent]:
    batches = (executions[i : i + size] for i in range(0, len(executions), size))
    return [event for batch in batches for _, event in found.score(batch).anomalies]


def warmed(count: int = 1_000) -> Scorer:
    ready = scorer()
    ready.score(workload("shop", count))
    return ready

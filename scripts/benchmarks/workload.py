"""The executions that every contender of the throughput benchmark reads: the same bytes, seeded."""

import random
from collections.abc import Iterator

from tracehound.schemas.codec import encode
from tracehound.schemas.execution import Execution, Segment, SegmentKind

STEP_S = 0.001


def executions(count: int, applications: int, operations: int, segments: int, end_s: float) -> Iterator[Execution]:
    """``count`` executions, the last one at ``end_s`` (epoch seconds), a millisecond apart."""
    draw = random.Random(7)
    medians = [[draw.uniform(5, 50) for _ in range(operations)] for _ in range(applications)]
    for number in range(count):
        application, operation = draw.randrange(applications), draw.randrange(operations)
        median = medians[application][operation]
        parts, offset = [], 0.5
        for index in range(segments):
            spent = median * draw.lognormvariate(0, 0.3) / segments
            remote = 0.8 * spent if index == 0 else None
            peer = "stock" if index == 0 else "database"
            kind: SegmentKind = "http" if index == 0 else "db"
            parts.append(Segment(f"part {index}", round(spent, 3), kind, round(offset, 3), peer=peer, remote_ms=remote))
            offset += spent + 0.1
        yield Execution(
            application=f"application-{application:04d}",
            operation=f"GET /operation/{chr(97 + operation % 26)}{operation // 26}",
            started_at=round(end_s - (count - number) * STEP_S, 3),
            duration_ms=round(offset + median * draw.lognormvariate(0, 0.3), 3),
            trace_id=f"{number:032x}",
            status="error" if draw.random() < 0.002 else "ok",
            segments=parts,
        )


def records(made: Iterator[Execution], batch: int) -> Iterator[tuple[str, bytes, int]]:
    """(key, value, executions in it): single executions for ``batch`` 1, else arrays of one application."""
    waiting: dict[str, list[bytes]] = {}
    for execution in made:
        name = execution.application
        if batch == 1:
            yield name, encode(execution), 1
            continue
        collected = waiting.setdefault(name, [])
        collected.append(encode(execution))
        if len(collected) == batch:
            yield name, b"[" + b",".join(waiting.pop(name)) + b"]", batch
    for name, collected in waiting.items():
        yield name, b"[" + b",".join(collected) + b"]", len(collected)

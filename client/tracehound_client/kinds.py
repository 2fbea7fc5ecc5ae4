"""The words of the contract of executions."""

from typing import Literal

ExecutionKind = Literal["request", "job", "consumer", "command", "log"]
"""What began an execution."""
SegmentKind = Literal["db", "http", "rpc", "cache", "queue", "view", "code"]
"""What a segment does."""
Status = Literal["ok", "error", "unset"]
"""How something ended; ``unset`` where nobody can say."""

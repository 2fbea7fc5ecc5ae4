"""The environment that processes of tests and benchmarks start from."""

import os


def inherited() -> dict[str, str]:
    """That of this process, without what is set for tracehound: a shell may point to somebody's cluster."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("TRACEHOUND_", "KAFKA_"))}

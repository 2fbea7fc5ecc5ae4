"""The application that drills are of: it is judged as any other, and people are told nothing of it."""

from typing import Final

DRILL_APPLICATION: Final = "tracehound.drill"
"""Reserved. Workers score it and tell its anomalies; no incident is made of them, and the console keeps none of it."""
DRILL_KEY: Final = DRILL_APPLICATION.encode()
"""The key of its records."""
DRILL_TRACE: Final = "drill-"
"""What trace ids begin with of executions that are slow on purpose."""

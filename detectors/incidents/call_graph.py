"""Who calls whom, learned from progress: counts of calls between applications that fade where they end."""

from collections.abc import Mapping

Calls = Mapping[str, Mapping[str, float]]
"""Of one environment: caller → callee → how often of late, both as applications name each other."""

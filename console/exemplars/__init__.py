"""Exemplars: anomalous executions as they were, each with a usual one of the same operation beside it."""

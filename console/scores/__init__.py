"""Predictions on demand: what workers say of executions, which they do not learn."""

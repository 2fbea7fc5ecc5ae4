"""The door: executions in, scores and events out."""

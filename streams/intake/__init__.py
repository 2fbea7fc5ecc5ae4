"""Intake: spans of any producer in, joined by trace; executions out."""

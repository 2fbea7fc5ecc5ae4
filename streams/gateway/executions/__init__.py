"""Executions over HTTP: one, an array, or one in each line."""

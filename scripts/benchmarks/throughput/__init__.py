"""Executions per second next to other stream processors."""

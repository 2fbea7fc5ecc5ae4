"""Simulated executions for an empty console: sent by a button, bounded, and in an environment of their own."""

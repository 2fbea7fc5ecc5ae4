"""Schemathesis against the console: how it is run, and its server."""

"""Spans per CPU second of intake."""

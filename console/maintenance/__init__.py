"""Maintenance windows: announced, listed and ended."""

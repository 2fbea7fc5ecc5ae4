"""Receivers: one file for each kind, each a pure form of the message and the way it is sent."""

"""Judgements into alarms, and alarms into what is published."""

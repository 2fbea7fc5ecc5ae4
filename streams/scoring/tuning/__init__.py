"""Tuning: candidate settings are tried on recorded executions, by helper processes of as many workers as there are."""

"""Tunings: settings that are tried on recorded executions, started, followed and given up."""

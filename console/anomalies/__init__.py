"""Anomalies: what is unusual, as it was told."""

"""The contracts: executions in; anomalies, progress, model events, dead letters out; and their topics."""

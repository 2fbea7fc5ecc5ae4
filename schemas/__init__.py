"""The contracts: executions in, anomalies, progress, model events and dead letters out, and the topics they travel on."""

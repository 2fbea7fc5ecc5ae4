"""Log events into executions: what OpenTelemetry calls them, their templates, and what is kept of these."""

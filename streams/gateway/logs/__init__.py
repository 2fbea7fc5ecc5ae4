"""Log events over HTTP: ours in JSON, and OpenTelemetry's."""

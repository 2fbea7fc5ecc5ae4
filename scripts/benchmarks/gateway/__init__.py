"""What the gateway takes for each CPU second, with Kafka's acknowledgement, next to a real OpenTelemetry Collector."""

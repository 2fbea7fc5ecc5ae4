"""The ways that executions take: HTTP to a gateway, or Kafka."""

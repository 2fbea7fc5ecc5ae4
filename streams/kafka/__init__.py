"""Talking to Kafka: connections, publishing, changelogs, forwarding, batches of records."""

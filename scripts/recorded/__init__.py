"""Recorded traces: read, converted, sent to Kafka, scored offline."""

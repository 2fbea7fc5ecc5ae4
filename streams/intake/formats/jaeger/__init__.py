"""Jaeger, as its collector (version 1) writes it to Kafka: one span a record, ``model.proto`` or its JSON."""

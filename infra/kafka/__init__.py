"""Kafka, three ways: one that is already there, a real Apache Kafka that we start, an embedded one for trying out."""

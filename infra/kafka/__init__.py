"""Kafka, three ways: one that is already there, a real Apache Kafka started here, an embedded one."""

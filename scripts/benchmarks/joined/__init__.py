"""Recorded traces through Kafka and intake, against offline."""

"""OTLP, as an OpenTelemetry Collector's Kafka exporter writes it: ``otlp_proto`` and ``otlp_json``."""

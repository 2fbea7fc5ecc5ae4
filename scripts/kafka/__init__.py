"""Kafka as commands, benchmarks and soaks talk to it: through librdkafka, outside of any consumer group."""

"""The models' states: in memory, on disk, in Kafka."""

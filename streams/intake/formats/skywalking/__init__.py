"""SkyWalking, as its agents write it to Kafka: one segment a record, the spans of one thread or process."""

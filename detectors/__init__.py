"""Online and periodically refitted detectors over executions, free of Kafka."""

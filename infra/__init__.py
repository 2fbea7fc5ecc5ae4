"""What tracehound runs on: brokers for development and tests, topic creation, monitoring."""

"""HTTP in front of the topics: bytes in, checked, to Kafka, and answered only once Kafka has acknowledged them."""

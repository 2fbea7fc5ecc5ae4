"""tracehound: anomalies in execution traces on Kafka. Its packages are the folders of the same names."""

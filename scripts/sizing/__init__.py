"""What a load needs of machines, Kafka and money, reckoned from what benchmarks measured."""

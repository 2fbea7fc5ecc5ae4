"""The stream-processing shell: Faust agents that carry executions to the scoring core and its results to Kafka."""

"""What the throughput benchmark compares: each contender one program that reads one topic; README.md says how fair."""

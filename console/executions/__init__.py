"""What is kept of executions, which are not stored whole: counts and quantile sketches by windows of event time."""

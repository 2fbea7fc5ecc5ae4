"""From an execution's append to its anomaly's."""

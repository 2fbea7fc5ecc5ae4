"""What the parts of the hot path cost, each by itself, compared with a stored baseline."""

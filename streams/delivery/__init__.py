"""Results on their way out, acknowledged before offsets are."""

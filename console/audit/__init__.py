"""Who changed what: every request that was not only to read."""

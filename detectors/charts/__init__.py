"""Charts of measured values per operation and per called peer, and their drift."""

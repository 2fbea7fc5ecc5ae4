"""API keys: made, listed and taken back; and the ring by which requests are let in."""

"""Models of applications: what happened to them, what they are now, drift and releases."""

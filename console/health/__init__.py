"""Health and metrics of the console, and its own document."""

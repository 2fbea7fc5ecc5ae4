"""Settings of detection that applications have of their own: seen, set, and taken back."""

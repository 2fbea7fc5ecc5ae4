"""The join over columns: whole traces without an object for a span; what is seldom is left to ``assembly``."""

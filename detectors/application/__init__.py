"""What is remembered of one application and its operations."""

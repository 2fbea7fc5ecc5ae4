"""What spans are about, by the names that tracing libraries give to attributes."""

"""What producers put around the content of a record: compression, framing, envelopes; and other names of fields."""

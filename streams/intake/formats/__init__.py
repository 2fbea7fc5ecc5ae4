"""Formats of spans: the bytes that tracers and collectors write to Kafka in, spans by trace out."""

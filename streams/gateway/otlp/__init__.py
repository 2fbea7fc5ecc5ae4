"""Traces of OpenTelemetry over HTTP, by the letter of its protocol."""

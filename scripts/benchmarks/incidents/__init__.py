"""Incidents judged on labelled traces: whether the suspected cause is the service that a fault was injected into."""

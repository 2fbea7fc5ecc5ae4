"""Deterministic simulation: the product's own workers on a simulated cluster in virtual time, thousands of times."""

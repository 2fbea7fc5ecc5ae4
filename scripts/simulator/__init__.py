"""Simulated applications that call each other, with faults injected at known times and an honest judge."""

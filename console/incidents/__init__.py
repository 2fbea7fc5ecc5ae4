"""Incidents: each as it is now, its timeline and its suspected cause."""

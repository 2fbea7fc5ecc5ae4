"""Detectors of trees, and how they are fitted anew."""

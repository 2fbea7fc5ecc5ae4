"""Signing in to the page, and who one is."""

"""Receivers of notifications: who there is, and a test of each."""

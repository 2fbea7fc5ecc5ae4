"""Columns into what is judged: times, paths, profiles, batches."""

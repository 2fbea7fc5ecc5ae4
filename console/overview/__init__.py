"""The first page: how everything is, what is wrong, and what changed lately."""

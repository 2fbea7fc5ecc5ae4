"""Applications: how each of them is, and what was scored of it over time."""

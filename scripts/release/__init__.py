"""A release: wheels, what is in them and under which licences, and what vouches for their bytes."""

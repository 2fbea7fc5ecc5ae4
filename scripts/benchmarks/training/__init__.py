"""What training takes, beside what was estimated of it before."""

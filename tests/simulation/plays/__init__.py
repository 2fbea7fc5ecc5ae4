"""What is played: one file for each kind of worker."""

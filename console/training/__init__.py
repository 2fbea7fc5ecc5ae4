"""Training with its price: what runs took, what one would take, and one that is started now."""

"""What all endpoints share: who asks, how lists are paged, how problems are told."""

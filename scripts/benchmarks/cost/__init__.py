"""What a byte of odd input costs, next to a byte of good input."""

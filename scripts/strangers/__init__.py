"""Records that nobody should have sent, and those who send them."""

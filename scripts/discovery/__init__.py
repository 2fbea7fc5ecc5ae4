"""What lies on topics that nobody has described: samples of them, what they are, and the settings that read them."""

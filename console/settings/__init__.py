"""The settings as they are, secrets masked."""

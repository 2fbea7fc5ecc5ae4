"""Upgrading under load and the way back: workers of one commit are followed by those of another, one by one."""

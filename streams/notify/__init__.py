"""Notifications: incidents from `severity.v1` to those who are to know, one message per change."""

"""What is told as it is told: server-sent events, replayed from where a client was."""

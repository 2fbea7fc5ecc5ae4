"""Which segments an operation's executions have, and which are missing or new."""

"""Messages of logs: what changes from one to the next masked, and their templates."""

"""What it costs to keep executions: CPU time, and bytes of the database."""

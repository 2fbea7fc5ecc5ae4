"""The worker that scores executions."""

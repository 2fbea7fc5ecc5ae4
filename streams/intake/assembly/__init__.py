"""Spans of a trace in, executions out: who is whose parent, what begins an execution, what it is made of."""

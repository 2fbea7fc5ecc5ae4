"""Executions' JSON read into columns, without an object for each segment."""

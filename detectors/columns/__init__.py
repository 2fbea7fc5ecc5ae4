"""Executions' JSON and spans' Protobuf read into columns, without an object for each segment or attribute."""

"""The call graph: who called whom."""

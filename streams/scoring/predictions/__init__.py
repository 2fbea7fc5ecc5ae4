"""Predictions on demand: executions that are judged by the models of their application, and not learned."""

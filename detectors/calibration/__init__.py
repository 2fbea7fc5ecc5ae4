"""Scores into probabilities, and one alarm budget for all channels."""

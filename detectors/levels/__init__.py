"""Levels from day to day: what grew too slowly for anything that follows it."""

"""Where the checkout under test is."""

from pathlib import Path

PROJECT = Path(__file__).parents[1]

"""Moments on the command line."""

import click
import pytest

from tracehound.schemas.moments import parse_moment
from tracehound.scripts.commands.moments import Moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [("30s", 999_970.0), ("90m", 994_600.0), ("1d", 913_600.0), ("1970-01-01T00:00:01Z", 1.0)],
)
def test_ages_and_date_times(text: str, moment: float) -> None:
    assert parse_moment(text, 1_000_000.0) == moment


@pytest.mark.parametrize("text", ["", "5", "5 m", "-5m", "1970-01-01", "1970-01-01T00:00:00", "yesterday"])
def test_anything_else_is_a_usage_error(text: str) -> None:
    with pytest.raises(click.BadParameter, match="must be an age such as 90m"):
        Moment().convert(text, None, None)

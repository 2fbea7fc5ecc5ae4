"""Incidents in words: what people are told of one that is as on other days."""

import pytest

from tests.streams.notify.conftest import make_event, make_notice
from tracehound.schemas.incident import Recurrence
from tracehound.streams.notify.render import TextFormat, words_of

AS_USUAL = Recurrence(5, 7, False, "as on 5 of the last 7 days at this time, no worse", "It becomes one if it grows.")


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("text", f"Recurring: {AS_USUAL.sentence}. {AS_USUAL.alarms_when}"),
        ("markdown", f"- **Recurring**: `{AS_USUAL.sentence}. {AS_USUAL.alarms_when}`"),
    ],
)
def test_who_asks_for_what_is_as_on_other_days_is_told_what_would_alarm(form: TextFormat, line: str) -> None:
    quiet = words_of(make_notice(make_event(recurring=AS_USUAL)), form)
    assert line in quiet.body.splitlines()
    assert "Recurring" not in words_of(make_notice(make_event()), form).body

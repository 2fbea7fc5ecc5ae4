"""Text from outside: nothing in it is acted upon."""

import re

import apprise.conversion
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.streams.notify.conftest import make_event, make_notice
from tracehound.streams.notify.hostile_text import harmless
from tracehound.streams.notify.render import words_of

HOSTILE = [
    "<script>alert(1)</script>",
    "<!channel> <@U012AB3CD> <https://evil.example|our site>",
    "@everyone @here",
    "[click](https://evil.example) [x](//evil.example) ![i](http://evil.example/p.png)",
    "`; rm -rf` ``` code ```",
    "a\r\nX-Header: b\n# heading\n* list\n\n> quote",
    "\x1b[31mred\x1b[0m \x00 \u202e reversed \u200b hidden",
    "https://evil.example www.evil.example",
    "**bold** _it_ ~~gone~~ ||spoiler||",
    "x" * 100_000,
]


@given(st.text(max_size=300), st.integers(1, 200))
def test_it_is_one_printable_line_of_bounded_length(text: str, most: int) -> None:
    line = harmless(text, most)
    assert len(line) <= most
    assert line.isprintable()
    assert not re.search(r"[@<>`]|://|\]\(|www\.", line)


@given(st.text("abcXYZ 0189/-_{}.,;%", max_size=80))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert harmless(text, 100) == " ".join(text.split())


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("form", ["text", "markdown"])
def test_words_of_an_incident_are_harmless_in_every_form(hostile: str, form: str) -> None:
    """As chats (text, Markdown) and mail (HTML, made by Apprise from either) would show them."""
    event = make_event(summary=hostile, reason=hostile, applications=[hostile], environment=hostile)
    assert event.data.suspected_cause is not None
    event.data.suspected_cause.why = hostile
    event.data.operations[0].operation = hostile
    event.data.exemplar_trace_ids = [hostile]
    words = words_of(make_notice(event), form)  # type: ignore[arg-type] # one of two
    assert len(words.title) <= 200
    assert len(words.body) <= 5_000
    for line in (words.title, *words.body.split("\n")):
        assert line.isprintable()
        assert "@" not in line
        assert not re.search("[<>]|://", line)
    html = apprise.conversion.convert_between(form, "html", words.body)  # type: ignore[no-untyped-call] # of apprise
    assert not re.search(r"<(?!/?(p|ul|li|code|strong|em|br|s|del)\b)", html), html
    assert "href" not in html
    assert "<h" not in html


def test_in_markdown_what_comes_from_outside_stands_in_code() -> None:
    event = make_event(summary="**bold** `code` [a](b)")
    words = words_of(make_notice(event), "markdown")
    assert "- **What**: `**bold** 'code' [a] (b)`" in words.body.split("\n")


def test_words_say_what_matters() -> None:
    body = words_of(make_notice(make_event(previous_severity="minor")), "text").body
    assert body.split("\n") == [
        "Severity: major (before: minor)",
        "State: open",
        "What: checkout is slow: 940 ms, typically 120 ms",
        "Why now: opened by 3 anomalies",
        "Suspected cause: stock GET /items (82% explained): 82 % of the excess is its own time.",
        "Applications: shop, stock",
        "Operations: shop POST /checkout and 6 more",
        "Environment: prod",
        "Anomalies: 3",
        "Opened: 2026-01-06T11:58:00.000Z",
        "Trace: 4bf92f3577b34da6a3ce929d0e0e4736",
        "Incident: i1",
    ]


def test_a_storm_is_short() -> None:
    event = make_event(applications=[f"app-{n}" for n in range(1_000)], operation_count=1_000)
    body = words_of(make_notice(event), "text").body
    assert "Applications: app-0, app-1, app-2, app-3, app-4 and 995 more" in body
    assert "Operations: shop POST /checkout and 999 more" in body

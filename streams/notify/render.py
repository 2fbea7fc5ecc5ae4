"""An incident in words: a title and a body in plain text or in Markdown, of bounded length."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec

from tracehound.schemas.incident import Incident, SuspectedCause
from tracehound.streams.notify.hostile_text import harmless
from tracehound.streams.notify.notice import Notice

TextFormat = Literal["text", "markdown"]
_TITLE = 200
_SENTENCE = 500
_NAME = 120
_MOST_LISTED = 5
_CUT = "… cut"
_HEADINGS = {"opened": "Incident", "updated": "Update", "resolved": "Resolved"}


@dataclass(frozen=True, slots=True)
class Words:
    """A title on one line of plain text, and a body; whatever came from outside is harmless in both."""

    title: str
    body: str


def title_of(notice: Notice, most: int = _TITLE) -> str:
    """One line: what happened, how bad it is, and the incident's own summary."""
    incident = notice.incident
    return harmless(f"{_HEADINGS[notice.change]} ({incident.severity}): {incident.summary}", most)


def words_of(notice: Notice, form: TextFormat) -> Words:
    """An incident for people.

    In Markdown, whatever came from outside stands in code spans, which every dialect leaves alone.
    """
    quote = _in_code if form == "markdown" else _plain
    label = _bold if form == "markdown" else _as_is
    lines = [f"{label(name)}: {content}" for name, content in _facts(notice.incident, notice, quote)]
    prefix = "- " if form == "markdown" else ""
    return Words(title_of(notice), "\n".join(prefix + line for line in lines))


def cut_to(body: str, most: int) -> str:
    """The first lines of a body, whole ones, that fit into ``most`` characters, and a word that some were left out.

    >>> cut_to("Severity: major\\nState: open\\nWhat: shop is slow", 36)
    'Severity: major\\nState: open\\n… cut'
    """
    if len(body) <= most:
        return body
    kept: list[str] = []
    room = most - len(_CUT)
    for line in body.split("\n"):
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join([*kept, _CUT])[:most]


def _facts(incident: Incident, notice: Notice, quote: Callable[[str, int], str]) -> Iterator[tuple[str, str]]:
    before = incident.previous_severity
    eased = f" (before: {before})" if before and before != incident.severity else ""
    yield "Severity", incident.severity + eased
    yield "State", incident.state
    yield "What", quote(incident.summary, _SENTENCE)
    if incident.reason:
        yield "Why now", quote(incident.reason, _SENTENCE)
    if incident.recurring is not msgspec.UNSET:
        yield "Recurring", quote(f"{incident.recurring.sentence}. {incident.recurring.alarms_when}", _SENTENCE)
    if cause := incident.suspected_cause:
        yield "Suspected cause", _cause(cause, quote)
    if other := incident.runner_up:
        yield "Or else", _cause(other, quote)
    yield "Applications", _listed(incident.applications, len(incident.applications), quote)
    if names := [f"{one.application} {one.operation}".strip() for one in incident.operations]:
        yield "Operations", _listed(names, max(incident.operation_count, len(names)), quote)
    if incident.environment:
        yield "Environment", quote(incident.environment, _NAME)
    for release in incident.releases[:_MOST_LISTED]:
        yield "Release", quote(f"{release.application} {release.version} at {release.at}", _NAME)
    yield "Anomalies", str(incident.anomaly_count)
    yield "Opened", quote(incident.opened_at, _NAME)
    if incident.resolved_at:
        yield "Resolved", quote(incident.resolved_at, _NAME)
    if incident.exemplar_trace_ids:
        yield "Trace", quote(incident.exemplar_trace_ids[0], _NAME)
    yield "Incident", quote(notice.incident.incident_id, _NAME)


def _cause(cause: SuspectedCause, quote: Callable[[str, int], str]) -> str:
    name = quote(f"{cause.application} {cause.operation}".strip(), _NAME)
    return f"{name} ({cause.share:.0%} explained): {quote(cause.why, _SENTENCE)}"


def _listed(names: list[str], count: int, quote: Callable[[str, int], str]) -> str:
    shown = [quote(name, _NAME) for name in names[:_MOST_LISTED]]
    more = count - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _plain(text: str, most: int) -> str:
    return harmless(text, most)


def _in_code(text: str, most: int) -> str:
    return f"`{harmless(text, most) or '-'}`"


def _bold(text: str) -> str:
    return f"**{text}**"


def _as_is(text: str) -> str:
    return text

"""Dead letters that are sent again to where they came from: which can be, and as what."""

from collections.abc import Set

from tracehound.schemas.dead_letter import FORMAT_HEADER, HEADER_PREFIX, RESENT_HEADER, DeadLetter
from tracehound.schemas.topics import Topics


def resendable_topics(topics: Topics) -> frozenset[str]:
    """The topics that a dead letter may be sent to again: those that others write."""
    return frozenset(topic.name for topic in (topics.executions, topics.log_events, *topics.intake_sources))


def why_not_resendable(identity: str, letter: DeadLetter, cut_from: str | None, inputs: Set[str]) -> str | None:
    """A sentence if a dead letter cannot be sent again to one of the topics ``inputs``.

    A header of a dead letter is written by whoever may write to that topic, so other topics are not sent to.

    Parameters:
        cut_from: how many bytes its value had, if it was too long even for the dead letters.
    """
    if letter.topic not in inputs:
        expected = ", ".join(sorted(inputs))
        return f"The dead letter {identity} must come from {expected}. It names {letter.topic!r} instead."
    if cut_from is not None:
        return f"The dead letter {identity} must have its whole value. It was cut from {cut_from} bytes."
    return None


def resent_headers(identity: str, letter: DeadLetter) -> list[tuple[str, bytes]]:
    """The headers that a dead letter is sent again with: its own without ours, and which dead letter it was.

    >>> letter = DeadLetter(b"{", None, "executions.v1", 0, 7, 5, "decode", "InvalidJson", "Cut off.", [("a", b"1")])
    >>> resent_headers("dead-letters.v1-3-17", letter)
    [('a', b'1'), ('tracehound_resent', b'dead-letters.v1-3-17')]
    """
    own = [(name, content) for name, content in letter.headers if not name.startswith(HEADER_PREFIX)]
    format_ = [(FORMAT_HEADER, letter.format.encode())] if letter.format else []
    return [*own, (RESENT_HEADER, identity.encode()), *format_]

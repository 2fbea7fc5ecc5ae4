"""A file of settings that reads what was found, with a comment on each line that says why it is there."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tracehound.schemas.topics import DEFAULT_PREFIX, Topics
from tracehound.scripts.discovery.recognition import Finding
from tracehound.streams.settings.settings import Settings

EXECUTIONS = Topics("").executions.name


@dataclass(frozen=True, slots=True)
class Line:
    """A setting, its value, and why it has it; ``part`` is the table of the file, empty for none."""

    part: str
    name: str
    value: str | int
    why: str


def chosen(settings: Settings, findings: Sequence[Finding], http_port: int | None) -> list[Line]:
    """The settings for what was found.

    Parameters:
        settings: how the broker was reached.
        findings: the topics that are to be read.
        http_port: of the gateway; None: nobody asked for one.
    """
    lines = [*_connection(settings)] if http_port is None else []
    own = [one for one in findings if one.kind == "executions" and one.topic.endswith(EXECUTIONS)]
    if own and own[0].topic.removesuffix(EXECUTIONS) != DEFAULT_PREFIX:
        prefix = own[0].topic.removesuffix(EXECUTIONS)
        lines.append(Line("", "topic_prefix", prefix, f"{own[0].topic} holds executions: all topics begin like it"))
    mapped = _mapped(findings)
    if mapped:
        lines.append(Line("", "execution_fields", _fields(mapped[0]), _why_mapped(mapped[0])))
    others = [
        one for one in findings if one in mapped or (one.kind == "executions" and not one.topic.endswith(EXECUTIONS))
    ]
    if others:
        why = "; ".join(f"{one.topic} holds {one.what}" for one in others)
        lines.append(Line("intake", "execution_topics", ",".join(one.topic for one in others), why))
    spans = [one for one in findings if one.kind == "spans"]
    if spans:
        why = "; ".join(f"{one.topic} holds {one.what}" for one in spans)
        lines.append(Line("intake", "otlp_topics", ",".join(one.topic for one in spans), why))
    if http_port is not None:
        lines.append(Line("gateway", "port", http_port, "where executions, traces and spans come over HTTP"))
    return lines


def unread(findings: Sequence[Finding]) -> list[Finding]:
    """Topics of JSON that want another mapping than the one that was chosen: there is one for all."""
    mapped = _mapped(findings)
    return [one for one in findings if one.kind == "json" and one not in mapped]


def _mapped(findings: Sequence[Finding]) -> list[Finding]:
    """The topics of JSON that are read by one mapping: that of the topic of which most was read."""
    of_json = [one for one in findings if one.kind == "json" and one.read]
    best = max(of_json, key=lambda one: one.read, default=None)
    return [one for one in of_json if best is not None and _fields(one) == _fields(best)]


def _fields(finding: Finding) -> str:
    return finding.proposal.written if finding.proposal is not None else ""


def _connection(settings: Settings) -> Iterator[Line]:
    yield Line("", "bootstrap_servers", settings.bootstrap_servers, "the broker that was looked at")
    if settings.security_protocol != "PLAINTEXT":
        yield Line("", "security_protocol", settings.security_protocol, "how it was reached")
    if settings.security_protocol.startswith("SASL"):
        yield Line("", "sasl_mechanism", settings.sasl_mechanism, "how it knew the user")
        yield Line(
            "", "sasl_username", settings.sasl_username, "the user; the password stays in TRACEHOUND_SASL_PASSWORD"
        )
    for name in ("ssl_ca_file", "ssl_certificate_file", "ssl_key_file"):
        path = getattr(settings, name)
        if path is not None:
            yield Line("", name, str(path), "with this file")


def _why_mapped(finding: Finding) -> str:
    assert finding.proposal is not None
    fields = "; ".join(f"{each.name}: {each.why}" for each in finding.proposal.fields)
    return f"how JSON as in {finding.topic} becomes executions ({finding.read} of {finding.seen} did). {fields}"


def written(lines: Iterable[Line], name: str) -> str:
    """The file, TOML.

    >>> print(written([Line("intake", "otlp_topics", "spans", "it holds spans")], "tracehound.toml").strip())
    # Written by tracehound init. Use it: export TRACEHOUND_CONFIG=tracehound.toml
    # All that can be set, with its defaults: tracehound settings
    <BLANKLINE>
    [intake]
    otlp_topics = "spans"  # it holds spans
    """
    text = [
        f"# Written by tracehound init. Use it: export TRACEHOUND_CONFIG={name}",
        "# All that can be set, with its defaults: tracehound settings",
    ]
    part = None
    for line in sorted(lines, key=lambda each: each.part):
        if line.part != part:
            part = line.part
            text += ["", f"[{part}]"] if part else [""]
        text.append(f"{line.name} = {json.dumps(line.value, ensure_ascii=False)}  # {_plain(line.why)}")
    return "\n".join(text) + "\n"


def _plain(text: str) -> str:
    """In one line, and without what TOML forbids in comments: names of topics and fields come from outside."""
    return "".join(each if each.isprintable() else "?" for each in text)

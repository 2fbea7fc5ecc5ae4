"""What the samples of a topic are: executions, spans, JSON that a mapping could read, or none of these."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from tracehound.schemas.codec import decode_record
from tracehound.schemas.execution import Execution
from tracehound.scripts.discovery.proposal import Proposal, propose
from tracehound.scripts.discovery.sampling import Sampled, TopicSample
from tracehound.streams.envelopes.mapping import FieldMapping
from tracehound.streams.envelopes.opener import ExecutionReader
from tracehound.streams.envelopes.registered import RegisteredSchemas
from tracehound.streams.intake.assembly.assemble import assemble
from tracehound.streams.intake.formats.decode import SpanLimits, decode_spans
from tracehound.streams.settings.settings import Settings

Kind = Literal["executions", "spans", "json", "unknown", "empty", "refused"]
_SHOWN = 5
_ERRORS = (msgspec.DecodeError, ValueError, RecursionError)


@dataclass(slots=True)
class Finding:
    """What a topic holds.

    ``what`` says it in words, ``read`` how many of the ``seen`` records could be read as that. ``executions`` are some
    of those that would be made of them; ``proposal`` is a mapping, where one is needed.
    """

    sample: TopicSample
    kind: Kind
    what: str
    read: int = 0
    executions: list[Execution] = field(default_factory=list)
    proposal: Proposal | None = None

    @property
    def topic(self) -> str:
        """Its name."""
        return self.sample.topic

    @property
    def seen(self) -> int:
        """How many records were looked at."""
        return len(self.sample.records)


class Recognition:
    """Says what topics hold.

    Parameters:
        settings: limits, schemas, and the mapping that is set already.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._schemas = RegisteredSchemas(settings.schemas_dir)
        self._plain = ExecutionReader(settings.limits, self._schemas, FieldMapping(settings.execution_fields))
        self._span_limits = SpanLimits(settings.max_record_bytes)

    def of(self, sample: TopicSample) -> Finding:
        """What most of a topic's samples are that can be used; why not, where none can."""
        if sample.trouble and not sample.records:
            return Finding(sample, "refused", f"cannot be read: {sample.trouble}")
        if not sample.records:
            return Finding(sample, "empty", "holds nothing" if not sample.held else "gave nothing to read in time")
        counts: Counter[tuple[Kind, str]] = Counter()
        made: dict[tuple[Kind, str], list[Execution]] = {}
        for record in sample.records:
            told, executions = self._told(record)
            counts[told] += 1
            made.setdefault(told, []).extend(executions[:_SHOWN])
        usable = [told for told in counts if told[0] in ("executions", "spans")]
        if usable:
            best = max(usable, key=counts.__getitem__)
            return Finding(sample, best[0], best[1], counts[best], _spread(made[best]))
        objects = [one for record in sample.records for one in self._objects(record)]
        if objects:
            return self._mapped(sample, objects)
        (kind, what), count = counts.most_common(1)[0]
        return Finding(sample, kind, what, count)

    def _told(self, record: Sampled) -> tuple[tuple[Kind, str], list[Execution]]:
        value = record.value
        if value is None:
            return ("unknown", "records without a value"), []
        now_s = time.time()
        decoded = self._plain.decode(value, record.headers, now_s)
        if decoded.executions:
            around = self._plain.around(value, record.headers)
            plain = decode_record(value, self._settings.limits, now_s)
            what = "executions" if plain.executions else f"executions within {around or 'something'}"
            return ("executions", what), decoded.executions
        spans = decode_spans(value, self._span_limits)
        if spans.spans:
            made = [
                execution
                for trace_id, chunk in list(spans.traces.items())[:_SHOWN]
                for execution in assemble(trace_id, [chunk]).executions
            ]
            return ("spans", f"spans: {spans.format}"), made
        known = [each.reason for each in decoded.rejected if each.error == "ForeignFormat"]
        known += [each.reason for each in spans.rejected if each.error == "OtherSignal"]
        return ("unknown", _what_instead(known[-1]) if known else _what_else(value)), []

    def _objects(self, record: Sampled) -> list[dict[str, Any]]:
        content = self._plain.content(record.value, record.headers)
        try:
            given = msgspec.json.decode(content or b"null")
        except _ERRORS:
            return []
        return [each for each in (given if isinstance(given, list) else [given]) if isinstance(each, dict) and each]

    def _mapped(self, sample: TopicSample, objects: Sequence[dict[str, Any]]) -> Finding:
        proposal = propose(objects, sample.topic)
        if proposal.missing:
            named = ", ".join(proposal.missing)
            return Finding(sample, "json", f"JSON in which nothing looks like {named}", 0, [], proposal)
        reader = ExecutionReader(self._settings.limits, self._schemas, FieldMapping(proposal.written))
        read = [reader.decode(each.value, each.headers, time.time()).executions for each in sample.records]
        executions = [one for some in read for one in some[:_SHOWN]]
        return Finding(sample, "json", "JSON of its own", sum(map(bool, read)), _spread(executions), proposal)


def _spread(executions: Sequence[Execution]) -> list[Execution]:
    """A few of them, of as many operations as there are."""
    by_operation = {(each.application, each.operation): each for each in executions}
    return list(by_operation.values())[:_SHOWN]


def _what_else(value: bytes) -> str:
    try:
        msgspec.json.decode(value)
    except _ERRORS:
        return "JSON that is damaged" if value[:1] in (b"{", b"[") else "text that is no JSON"
    return "JSON that is no object"


def _what_instead(reason: str) -> str:
    """What a sentence says that was got."""
    return reason.partition("Got ")[2].removesuffix(".").removesuffix(" instead") or reason

"""What all protocols of spans share: bodies that can be read go to Kafka whole, whatever is wrong with single spans."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from tracehound.streams.gateway.bodies import LARGE_BYTES, Bodies, of_media_type, read_body
from tracehound.streams.gateway.metrics import GatewayMetrics
from tracehound.streams.http.refusal import RequestRefusedError
from tracehound.streams.http.sending import Record, Sender
from tracehound.streams.intake.formats.decode import SpanLimits, decode_spans

RECORD_BYTES = 900_000
"""Records are made no longer than brokers take by default (1 MB); only what cannot be split is."""
_REASONS = 5
_REASON_LENGTH = 1_000


@dataclass(frozen=True, slots=True)
class CheckedSpans:
    """How many spans a body holds that are good, how many that are wrong, and why."""

    good: int = 0
    rejected: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class SpanEncoding:
    """How the bodies of a protocol's media type are checked, split and answered.

    ``check`` may raise ``RequestRefusedError``; ``split`` is given how long a part should be at most. What is longer
    than ``large_bytes`` takes so long to check that others must not wait for it.
    """

    check: Callable[[bytes, SpanLimits], CheckedSpans]
    split: Callable[[bytes, int], Iterator[bytes]]
    answer: Callable[[CheckedSpans], Response]
    large_bytes: int = LARGE_BYTES


def check_spans(content: bytes, expected: str, limits: SpanLimits) -> CheckedSpans:
    """Judge a body as intake will judge the record that it becomes.

    Parameters:
        expected: the format that it has to be of.

    Raises:
        RequestRefusedError: it cannot be read (400), or holds too many spans (413).
    """
    decoded = decode_spans(content, limits)
    whole = next((each for each in decoded.rejected if not each.indexes), None)
    if whole is not None:
        raise unreadable(whole.reason, 413 if whole.error == "TooManySpans" else 400)
    if decoded.format not in (expected, ""):
        raise unreadable(f"The body must be {expected}, as its Content-Type says. Got {decoded.format} instead.")
    rejected = sum(len(each.indexes) for each in decoded.rejected)
    reasons = " ".join(each.reason for each in decoded.rejected[:_REASONS])
    return CheckedSpans(decoded.spans + decoded.unfinished, rejected, reasons[:_REASON_LENGTH])


def unreadable(why: str, status: int = 400) -> RequestRefusedError:
    """A body that cannot be used at all."""
    return RequestRefusedError(status, "invalid_body" if status == 400 else "too_large", why)


class SpanEndpoint:
    """Takes bodies of spans and passes them on as they came.

    Intake judges the spans again, and what it refuses becomes dead letters with their bytes, so that nothing is lost.

    Parameters:
        encodings: by media type.
        topic: of spans.
        bodies: reads them within bounds.
        sender: sends records.
        metrics: what was taken is counted in.
        limits: what intake will hold records to.
    """

    def __init__(
        self,
        encodings: Mapping[str, SpanEncoding],
        topic: str,
        bodies: Bodies,
        sender: Sender,
        metrics: GatewayMetrics,
        limits: SpanLimits,
    ) -> None:
        self._encodings, self._topic, self._bodies = encodings, topic, bodies
        self._sender, self._metrics, self._limits = sender, metrics, limits

    async def serve(self, request: Request) -> Response:
        """The answer to a request that is taken; see ``RequestRefusedError`` for the others."""
        encoding = of_media_type(request, self._encodings)
        async with self._bodies.content(request) as content:
            checked = await self.take(content, encoding, request.url.path)
        return encoding.answer(checked)

    async def take(self, content: bytes, encoding: SpanEncoding, path: str) -> CheckedSpans:
        """Pass a body on, and count it as one of this path.

        Raises:
            RequestRefusedError: nothing of it is taken.
        """
        self._metrics.bytes.labels(path=path).inc(len(content))
        checked, records = await read_body(content, encoding.large_bytes, self._read, encoding)
        await self._sender.send(records)
        self._metrics.records.labels(topic=self._topic).inc(len(records))
        self._metrics.accepted.labels(path=path).inc(checked.good)
        self._metrics.refused_items.labels(path=path).inc(checked.rejected)
        return checked

    def _read(self, content: bytes, encoding: SpanEncoding) -> tuple[CheckedSpans, list[Record]]:
        limits = self._limits
        # the body has a bound of its own, and is split into records that keep theirs
        of_body = SpanLimits(max(limits.max_record_bytes, len(content)), limits.max_spans, limits.with_namespace)
        checked = encoding.check(content, of_body)
        if not checked.good and not checked.rejected:
            return checked, []
        pieces = list(encoding.split(content, min(RECORD_BYTES, limits.max_record_bytes)))
        longest = max(map(len, pieces))
        if longest > limits.max_record_bytes:
            raise RequestRefusedError(
                413,
                "too_large",
                f"A span, with its resource where it has one, must be at most {limits.max_record_bytes} bytes long "
                f"(setting 'max_record_bytes'). Got {longest} bytes instead.",
            )
        return checked, [Record(self._topic, None, piece) for piece in pieces]

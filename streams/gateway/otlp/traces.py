"""``POST /v1/traces``: traces of OpenTelemetry, passed on as they came.

Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.streams.gateway.bodies import LARGE_BYTES, Bodies
from tracehound.streams.gateway.metrics import GatewayMetrics
from tracehound.streams.gateway.otlp.checking import CheckedSpans, check
from tracehound.streams.gateway.otlp.encoding import OtlpEncoding, encoding_of
from tracehound.streams.gateway.otlp.splitting import split
from tracehound.streams.gateway.refusal import RequestRefusedError
from tracehound.streams.gateway.sending import Record, Sender
from tracehound.streams.intake.formats.decode import SpanLimits

RECORD_BYTES = 900_000
"""Records are made no longer than brokers take by default (1 MB); only what cannot be split is."""


class TraceEndpoint:
    """Takes requests of traces: those that can be read go to Kafka whole, whatever is wrong with single spans.

    Intake judges the spans again, and what it refuses becomes dead letters with their bytes, so that nothing is lost.

    Parameters:
        topic: of spans.
        bodies: reads them within bounds.
        sender: sends records.
        metrics: what was taken is counted in.
        limits: what intake will hold records to.
    """

    def __init__(self, topic: str, bodies: Bodies, sender: Sender, metrics: GatewayMetrics, limits: SpanLimits) -> None:
        self._topic, self._bodies, self._sender = topic, bodies, sender
        self._metrics, self._limits = metrics, limits

    async def serve(self, request: Request) -> Response:
        """The answer to a request that is taken; see ``RequestRefusedError`` for the others."""
        encoding = encoding_of(request)
        path = request.url.path
        async with self._bodies.content(request) as content:
            self._metrics.bytes.labels(path=path).inc(len(content))
            if len(content) > LARGE_BYTES:
                checked, records = await run_in_threadpool(self._read, content, encoding)
            else:
                checked, records = self._read(content, encoding)
            await self._sender.send(records)
        self._metrics.records.labels(topic=self._topic).inc(len(records))
        self._metrics.accepted.labels(path=path).inc(checked.good)
        self._metrics.refused_items.labels(path=path).inc(checked.rejected)
        return Response(encoding.response(checked.rejected, checked.why), media_type=encoding.media_type)

    def _read(self, content: bytes, encoding: OtlpEncoding) -> tuple[CheckedSpans, list[Record]]:
        checked = check(content, encoding, self._span_limits(content))
        if not checked.good and not checked.rejected:
            return checked, []
        pieces = list(split(content, encoding.parts, min(RECORD_BYTES, self._limits.max_record_bytes)))
        longest = max(map(len, pieces))
        if longest > self._limits.max_record_bytes:
            raise RequestRefusedError(
                413,
                "too_large",
                f"A span with its resource must be at most {self._limits.max_record_bytes} bytes long (setting "
                f"'max_record_bytes'). Got {longest} bytes instead.",
            )
        return checked, [Record(self._topic, None, piece) for piece in pieces]

    def _span_limits(self, content: bytes) -> SpanLimits:
        """The body has a bound of its own, and is split into records that keep theirs."""
        limits = self._limits
        return SpanLimits(max(limits.max_record_bytes, len(content)), limits.max_spans, limits.with_namespace)

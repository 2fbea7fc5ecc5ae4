"""OTLP over gRPC: ``Export`` of traces and of logs, with the bounds, keys and answers of the path over HTTP.

Source: https://opentelemetry.io/docs/specs/otlp/#otlpgrpc
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import structlog

from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.gateway.bodies import Bodies
from tracehound.streams.gateway.guard import Guard
from tracehound.streams.gateway.otlp.encoding import GRPC_CODES
from tracehound.streams.http.refusal import RequestRefusedError, put_off
from tracehound.streams.intake.formats.declared import declare
from tracehound.streams.settings.gateway import GatewaySettings

TRACES_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LOGS_EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
_STREAMS_PER_CONNECTION = 100
_LONGEST_CALL_S = 300.0
_RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_RPC = declare(
    "tracehound.gateway.grpc",
    {
        "Status": "code 1 int32, message 2 string, details 3 *Any",
        "Any": "type_url 1 string, value 2 bytes",
        "RetryInfo": "retry_delay 1 Duration",
        "Duration": "seconds 1 int64",
    },
)

log = structlog.get_logger(__name__)


Take = Callable[[bytes], Awaitable[bytes]]
"""Takes a message and returns the answer, or raises ``RequestRefusedError``."""


class ExportService(grpc.GenericRpcHandler):
    """Answers calls of ``Export``.

    Calls are handled as streams of one message: so a key is looked at before the message is read.

    Parameters:
        takers: by the method that is called.
        guard: lets calls through, and counts them.
        bodies: counts what is in memory.
        settings: the bounds.
    """

    def __init__(self, takers: Mapping[str, Take], guard: Guard, bodies: Bodies, settings: GatewaySettings) -> None:
        self._takers, self._guard, self._bodies, self._settings = takers, guard, bodies, settings
        # a message is in memory before its length is known: so many may be on their way at once
        self._reading = asyncio.Semaphore(max(1, int(settings.max_mb_in_flight * 1e6 / settings.max_body_bytes)))

    def service(self, details: Any) -> Any:
        """How a method is called; None for those that are not there."""
        taker = self._takers.get(details.method)
        return grpc.stream_unary_rpc_method_handler(partial(self._export, details.method, taker)) if taker else None

    async def _export(self, method: str, taker: Take, _messages: Any, context: Any) -> bytes:
        refusals: list[RequestRefusedError] = []

        def refused(refusal: RequestRefusedError) -> bytes:
            refusals.append(refusal)
            return b""

        answer = await self._guard.answered(method, lambda: self._answer(taker, context), refused)
        for refusal in refusals:
            await context.abort(*_status(refusal))
        return answer

    async def _answer(self, taker: Take, context: Any) -> bytes:
        self._guard.admit(_headers(context.invocation_metadata()), "ingest")
        content = await self._message(context)
        with self._bodies.held(len(content)):
            return await taker(content)

    async def _message(self, context: Any) -> bytes:
        try:
            async with asyncio.timeout(self._settings.read_timeout_s), self._reading:
                message = await context.read()
        except TimeoutError:
            raise put_off(
                "too_slow",
                f"The message must arrive within {self._settings.read_timeout_s:g} s "
                "(setting 'gateway.read_timeout_s').",
                self._settings.retry_after_s,
            ) from None
        if not isinstance(message, bytes):  # the end of the call
            raise RequestRefusedError(400, "invalid_body", "A call must hold one message. Got none.")
        return message


@asynccontextmanager
async def grpc_served(service: ExportService, settings: GatewaySettings) -> AsyncIterator[None]:
    """Serves OTLP over gRPC for as long as the block, if a port is set for it; ends when all calls are answered.

    Raises:
        ConfigurationError: the address is not free, or certificate and key cannot be used.
    """
    if not settings.grpc_port:
        yield
        return
    server = grpc.aio.server(options=_options(settings))
    server.add_generic_rpc_handlers((service,))
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"{host}:{settings.grpc_port}"
    try:
        credentials = _credentials(settings.tls_certificate_file, settings.tls_key_file)
        server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    except (RuntimeError, OSError, ssl.SSLError) as error:
        why = str(error).partition("; set GRPC_VERBOSITY")[0].rstrip(".")  # (what gRPC itself says needs no debugging)
        raise ConfigurationError(
            "The settings 'gateway.host' and 'gateway.grpc_port' must be an address that is free, and certificate and "
            f"key, if set, files that can be read. Got {address} instead: {why}."
        ) from error
    await server.start()
    log.info("gateway_listening", url=f"grpc://{address}")
    try:
        yield
    finally:
        await server.stop(settings.kafka_timeout_s)


def _options(settings: GatewaySettings) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", settings.max_body_bytes),  # also once it is unpacked
        ("grpc.max_metadata_size", settings.max_header_bytes),
        ("grpc.absolute_max_metadata_size", settings.max_header_bytes),
        ("grpc.max_concurrent_streams", _STREAMS_PER_CONNECTION),
        ("grpc.server_handshake_timeout_ms", int(settings.read_timeout_s * 1000)),
        ("grpc.max_connection_idle_ms", int(_LONGEST_CALL_S * 1000)),
        ("grpc.so_reuseport", 0),  # two gateways on one port would share it without a word
    ]


def _credentials(certificate: Path | None, key: Path | None) -> Any:
    if certificate is None or key is None:
        return None
    return grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])


def _headers(metadata: Any) -> Mapping[str, str]:
    """A call's metadata as the headers that keys are looked for in."""
    # a web page cannot make calls of gRPC, so that there is no name to judge where no keys are
    return {"host": "localhost", **{name: value for name, value in metadata or () if isinstance(value, str)}}


def _status(refusal: RequestRefusedError) -> tuple[Any, str, tuple[tuple[str, bytes], ...]]:
    """Code, sentence and trailers of a refused call; with when to come again where it may."""
    code = GRPC_CODES.get(refusal.status, grpc.StatusCode.INTERNAL.value[0])
    status = _RPC.Status(code=code, message=refusal.detail)
    seconds = refusal.headers.get("Retry-After")
    if seconds is not None:
        delay = _RPC.RetryInfo(retry_delay=_RPC.Duration(seconds=int(seconds)))
        status.details.add(type_url=_RETRY_INFO, value=delay.SerializeToString())
    return _CODES[code], refusal.detail, (("grpc-status-details-bin", status.SerializeToString()),)

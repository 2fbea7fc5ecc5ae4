"""OTLP over gRPC: what is taken as over HTTP, and each refusal with its code and when to come again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.streams.gateway.conftest import FakeSender, ask, made, traces
from tracehound.infra.kafka.ports import free_ports
from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.gateway.otlp.grpc_server import _RPC, TRACES_EXPORT, grpc_served
from tracehound.streams.http.keys import new_key
from tracehound.streams.http.refusal import put_off
from tracehound.streams.settings.gateway import GatewaySettings

Call = Callable[..., Awaitable[bytes]]
BODY = traces().SerializeToString()


def run(scenario: Callable[[Call], Awaitable[None]], sender: FakeSender, **settings: Any) -> None:
    """Serve a gateway on ``sender`` and play a scenario, which is given what calls ``Export``."""

    async def within() -> None:
        gateway, (port,) = made(sender, **settings), free_ports(1)
        async with grpc_served(gateway.calls, GatewaySettings(grpc_port=port, **settings)):
            target = f"127.0.0.1:{port}"
            async with grpc.aio.insecure_channel(target, options=[("grpc.max_send_message_length", -1)]) as channel:

                async def call(body: bytes = BODY, method: str = TRACES_EXPORT, **more: Any) -> Any:
                    return await channel.unary_unary(method)(body, timeout=120, **more)

                await asyncio.wait_for(scenario(call), 120)

    asyncio.run(within())


async def refused(call: Awaitable[bytes]) -> tuple[grpc.StatusCode, str, int | None]:
    """Code, sentence, and after how many seconds the call may be made again."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    trailers = dict(error.value.trailing_metadata())
    assert "grpc-status-details-bin" in trailers, error.value
    status = _RPC.Status.FromString(trailers["grpc-status-details-bin"])
    assert (status.code, status.message) == (error.value.code().value[0], error.value.details())
    delays = [_RPC.RetryInfo.FromString(each.value).retry_delay.seconds for each in status.details]
    return error.value.code(), error.value.details() or "", delays[0] if delays else None


def test_requests_are_passed_on_as_they_came_packed_or_not() -> None:
    sender = FakeSender()

    async def scenario(call: Call) -> None:
        assert await call() == b""
        assert await call(compression=grpc.Compression.Gzip) == b""
        assert await call(b"") == b""
        answer = ExportTraceServiceResponse.FromString(await call(traces(3, bad=[1]).SerializeToString()))
        assert answer.partial_success.rejected_spans == 1
        assert "spanId" in answer.partial_success.error_message

    run(scenario, sender)
    assert [record.value for record in sender.records] == [BODY, BODY, traces(3, bad=[1]).SerializeToString()]


def test_what_is_wrong_has_its_code_and_only_what_is_put_off_a_time() -> None:
    sender = FakeSender()

    async def scenario(call: Call) -> None:
        code, sentence, again_s = await refused(call(b"nonsense"))
        assert (code, "must be spans" in sentence, again_s) == (grpc.StatusCode.INVALID_ARGUMENT, True, None)
        sender.failure = put_off("kafka_away", "Kafka is away.", 7)
        assert await refused(call()) == (grpc.StatusCode.UNAVAILABLE, "Kafka is away.", 7)
        with pytest.raises(grpc.aio.AioRpcError) as unknown:
            await call(method="/opentelemetry.proto.collector.metrics.v1.MetricsService/Export")
        assert unknown.value.code() is grpc.StatusCode.UNIMPLEMENTED

    run(scenario, sender)
    assert sender.records == []


def test_keys_and_rates_hold_here_too() -> None:
    sender, key, reads = FakeSender(), new_key(), new_key()

    async def scenario(call: Call) -> None:
        assert (await refused(call()))[0] is grpc.StatusCode.UNAUTHENTICATED
        assert (await refused(call(metadata=[("x-api-key", key.key[:-1])])))[0] is grpc.StatusCode.UNAUTHENTICATED
        assert (await refused(call(metadata=[("x-api-key", reads.key)])))[0] is grpc.StatusCode.PERMISSION_DENIED
        assert await call(metadata=[("authorization", f"Bearer {key.key}")]) == b""
        code, _, again_s = await refused(call(metadata=[("x-api-key", key.key)]))
        assert (code, again_s) == (grpc.StatusCode.RESOURCE_EXHAUSTED, 10)

    keys = {key.prefix: {"sha256": key.sha256}, reads.prefix: {"sha256": reads.sha256, "role": "metrics"}}
    run(scenario, sender, keys=keys, requests_per_s=0.1)
    assert len(sender.records) == 1


def test_messages_are_bounded_also_once_unpacked_and_in_memory_together() -> None:
    sender = FakeSender()

    async def scenario(call: Call) -> None:
        for packed in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
            with pytest.raises(grpc.aio.AioRpcError) as large:
                await call(b"\0" * 200_000, compression=packed)
            assert large.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        code, sentence, again_s = await refused(call(traces(30, size=1_000).SerializeToString()))
        assert (code, again_s) == (grpc.StatusCode.UNAVAILABLE, 2)
        assert "'gateway.max_mb_in_flight'" in sentence
        assert await call() == b""

    run(scenario, sender, max_body_bytes=100_000, max_mb_in_flight=0.03)
    assert len(sender.records) == 1


def test_a_message_that_does_not_come_is_put_off_and_counted() -> None:
    sender = FakeSender()

    async def within() -> None:
        gateway, (port,) = made(sender, read_timeout_s=0.2), free_ports(1)
        async with (
            grpc_served(gateway.calls, GatewaySettings(grpc_port=port, read_timeout_s=0.2)),
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            code, sentence, _ = await refused(channel.stream_unary(TRACES_EXPORT)(_never(), timeout=120))
            assert (code, "'gateway.read_timeout_s'" in sentence) == (grpc.StatusCode.UNAVAILABLE, True)
        told.append(gateway)

    told: list[Any] = []
    asyncio.run(within())
    counted = ask(told[0], "GET", "/metrics").body.decode()
    assert f'tracehound_gateway_refused_requests_total{{path="{TRACES_EXPORT}",reason="too_slow"}} 1.0' in counted


async def _never() -> Any:
    await asyncio.sleep(10)
    yield b""


def test_a_port_that_is_taken_is_told_and_none_is_none() -> None:
    async def within() -> None:
        gateway, (port,) = made(FakeSender()), free_ports(1)
        settings = GatewaySettings(grpc_port=port)
        async with grpc_served(gateway.calls, settings), grpc_served(gateway.calls, GatewaySettings(grpc_port=0)):
            with pytest.raises(ConfigurationError, match=r"'gateway\.grpc_port' must be an address that is free"):
                async with grpc_served(gateway.calls, settings):
                    pass

    asyncio.run(within())


def test_hostile_connections_cost_nobody_else_anything() -> None:
    """A huge head, no HTTP/2 at all, frames whose length is wrong, and clients that go away in the midst of it."""
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    settings, longer_than_sent = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]), bytes([0, 255, 255, 1, 4, 0, 0, 0, 1]) + b"x" * 20
    sender = FakeSender()

    async def within() -> None:
        gateway, (port,) = made(sender), free_ports(1)
        target = f"127.0.0.1:{port}"
        async with (
            grpc_served(gateway.calls, GatewaySettings(grpc_port=port)),
            grpc.aio.insecure_channel(target, options=[("grpc.max_metadata_size", 10_000_000)]) as channel,
        ):
            with pytest.raises(grpc.aio.AioRpcError) as huge:
                await channel.unary_unary(TRACES_EXPORT)(BODY, timeout=120, metadata=[("x-more", "x" * 100_000)])
            assert huge.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            for sent in (b"\x16\x03\x01" * 100, preface, preface + settings + longer_than_sent):
                for half_closed in (True, False):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.write(sent)
                    if half_closed:
                        writer.write_eof()
                    writer.close()
            assert await channel.unary_unary(TRACES_EXPORT)(BODY, timeout=120) == b""

    asyncio.run(within())
    assert len(sender.records) == 1

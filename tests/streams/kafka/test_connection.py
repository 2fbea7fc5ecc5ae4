"""Addresses, security and the wait for a broker."""

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.kafka.aiokafka_options import broker_urls, client_options, ssl_context
from tracehound.streams.kafka.connection import faust_credentials, wait_for_broker
from tracehound.streams.kafka.librdkafka import librdkafka_options
from tracehound.streams.settings.settings import Settings


@pytest.mark.parametrize("wrong", ["nowhere", "a:", ":9092", "a:0", "a:99999", "a:9092,", "a:x"])
def test_a_wrong_address_names_the_setting(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="'bootstrap_servers'"):
        broker_urls(Settings(bootstrap_servers=wrong))


def test_sasl_reaches_every_client() -> None:
    settings = Settings(
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="me",
        sasl_password=SecretStr("secret"),
    )
    options = client_options(settings)
    assert options["sasl_plain_username"] == "me"
    assert options["sasl_plain_password"] == "secret"
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert options["ssl_context"] is not None
    credentials = faust_credentials(settings)
    assert (credentials.protocol.value, credentials.mechanism.value) == ("SASL_SSL", "SCRAM-SHA-512")
    assert librdkafka_options(settings)["sasl.password"] == "secret"


def test_a_plain_connection_has_no_credentials() -> None:
    assert faust_credentials(Settings()) is None
    assert client_options(Settings())["ssl_context"] is None
    sasl_only = faust_credentials(Settings(security_protocol="SASL_PLAINTEXT"))
    assert sasl_only.protocol.value == "SASL_PLAINTEXT"


def test_an_unreadable_certificate_file_names_the_setting(tmp_path: Path) -> None:
    wrong = tmp_path / "ca.pem"
    wrong.write_text("no certificate")
    for path in (wrong, tmp_path / "missing.pem"):
        with pytest.raises(ConfigurationError, match="'ssl_ca_file'"):
            ssl_context(Settings(security_protocol="SSL", ssl_ca_file=path))


def test_a_client_certificate_reaches_every_client(tmp_path: Path) -> None:
    for name in ("client.pem", "client.key"):
        (tmp_path / name).write_text("no certificate")
    settings = Settings(
        security_protocol="SSL",
        ssl_certificate_file=tmp_path / "client.pem",
        ssl_key_file=tmp_path / "client.key",
        ssl_key_password=SecretStr("open sesame"),
    )
    options = librdkafka_options(settings)
    assert options["ssl.certificate.location"] == str(tmp_path / "client.pem")
    assert options["ssl.key.location"] == str(tmp_path / "client.key")
    assert options["ssl.key.password"] == "open sesame"
    with pytest.raises(ConfigurationError, match="'ssl_certificate_file' and 'ssl_key_file'") as refused:
        ssl_context(settings)
    assert "open sesame" not in str(refused.value)


def test_a_key_without_a_certificate_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'ssl_certificate_file' must come with"):
        ssl_context(Settings(security_protocol="SSL", ssl_key_file=tmp_path / "client.key"))


def test_an_unreachable_broker_is_tried_until_it_answers() -> None:
    attempts = 0

    async def reach(_: Settings) -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise OSError("connection refused")

    async def explain(_: Settings) -> str:
        return "the certificate has expired" if attempts == 2 else ""

    async def test() -> bool:
        return await wait_for_broker(Settings(bootstrap_servers="there:9092"), asyncio.Event(), 0.001, reach, explain)

    with capture_logs() as logs:
        assert asyncio.run(test())
    assert attempts == 3
    assert [line["event"] for line in logs] == ["broker_unreachable"] * 2
    assert "there:9092 cannot be used: connection refused." in logs[0]["sentence"]
    assert "there:9092 cannot be used: the certificate has expired." in logs[1]["sentence"]
    assert logs[0]["cause"] == "connection refused"


def test_waiting_ends_when_told_to_stop() -> None:
    async def test() -> bool:
        stop = asyncio.Event()

        async def reach(_: Settings) -> None:
            stop.set()
            raise TimeoutError

        async def explain(_: Settings) -> str:
            return ""

        return await wait_for_broker(Settings(), stop, 60.0, reach, explain)

    assert not asyncio.run(test())

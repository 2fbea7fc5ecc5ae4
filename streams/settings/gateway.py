"""Settings of the gateway: where it listens, who may send, and how much at once."""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

_STRICT = ConfigDict(extra="forbid", frozen=True, validate_default=True)

Role = Literal["ingest", "metrics"]
"""What a key is good for: to send, or to read the gateway's metrics."""
KeyPrefix = Annotated[str, StringConstraints(pattern=r"^th_[0-9a-f]{8}$")]


class KeySettings(BaseModel):
    """A key of which only its digest is known: the SHA-256 of the whole key, and what the key is good for.

    ``application`` is whose transactions a client of Inspector sends with it, and ``inspector_unit`` the unit of their
    durations where that client is none of those that are known.
    """

    model_config = _STRICT

    sha256: str
    role: Role = "ingest"
    application: Annotated[str, StringConstraints(max_length=200)] = ""
    inspector_unit: Literal["ms", "s"] | None = None

    @field_validator("sha256")
    @classmethod
    def _digest(cls, given: str) -> str:
        if len(given) != 64 or set(given) - set("0123456789abcdef"):
            raise ValueError(
                "A key's setting 'sha256' must be the 64 digits that tracehound gateway --new-key prints. "
                "Got something else, which may be the key itself, instead."
            )
        return given


class GatewaySettings(BaseModel):
    """Everything that can be set of the gateway; single values also by ``TRACEHOUND_GATEWAY__…``."""

    model_config = _STRICT

    host: str = Field(
        default="127.0.0.1", min_length=1, description="Address to listen on; others than loopback only with keys"
    )
    port: Annotated[int, Ge(0), Le(65_535)] = Field(
        default=4318, description="Port of the gateway, that of OTLP over HTTP; 0: any"
    )
    grpc_port: Annotated[int, Ge(0), Le(65_535)] = Field(
        default=4317, description="Port of OTLP over gRPC, on the same address; 0: none"
    )
    keys: dict[KeyPrefix, KeySettings] = Field(
        default={}, description="Who may send, by the beginning of their key; see docs/how-to/send-over-http.md"
    )
    requests_per_s: Annotated[float, Ge(0), Le(1_000_000)] = Field(
        default=0.0,
        description="Requests of one key (without keys: of all) per second, in bursts of ten seconds; 0: no bound",
    )
    max_body_bytes: Annotated[int, Ge(1_000), Le(1_000_000_000)] = Field(
        default=20_971_520, description="Largest body of a request, also once it is unpacked"
    )
    max_header_bytes: Annotated[int, Ge(1_000), Le(1_000_000)] = Field(
        default=16_384, description="Largest head of a request: its line and its headers"
    )
    max_connections: Annotated[int, Ge(1), Le(100_000)] = Field(
        default=1_000, description="Connections at once; more are closed"
    )
    max_mb_in_flight: Annotated[float, Gt(0), Le(1_000_000)] = Field(
        default=256.0, description="Bodies in memory at once, of all requests together; above it requests are put off"
    )
    read_timeout_s: Annotated[float, Gt(0), Le(3_600)] = Field(
        default=30.0,
        description="How long a request may take to arrive as a whole, and a client may take none of its answer",
    )
    kafka_timeout_s: Annotated[float, Gt(0), Le(300)] = Field(
        default=10.0, description="How long to wait for Kafka's acknowledgement before the request is put off"
    )
    retry_after_s: Annotated[int, Ge(1), Le(3_600)] = Field(
        default=2, description="When a client whose request is put off may send it again"
    )
    cors_origins: str = Field(
        default="", description="Web pages that may send from a browser, origins separated by commas; * is all"
    )
    tls_certificate_file: Path | None = Field(
        default=None,
        description="Certificate to serve HTTPS with, PEM, with its chain",
        examples=["/etc/tracehound/gateway.pem"],
    )
    tls_key_file: Path | None = Field(
        default=None, description="Private key of the certificate, PEM", examples=["/etc/tracehound/gateway.key"]
    )

    @model_validator(mode="after")
    def _certificate_with_key(self) -> "GatewaySettings":
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            raise ValueError(
                "The settings 'gateway.tls_certificate_file' and 'gateway.tls_key_file' must be set together. "
                "Got one of them."
            )
        return self

    @property
    def origins(self) -> tuple[str, ...]:
        """``cors_origins`` one by one."""
        return tuple(origin.strip() for origin in self.cors_origins.split(",") if origin.strip())


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on an address.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"

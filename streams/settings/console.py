"""Settings of the console: where it keeps what was told, for how long, and where it listens."""

import ipaddress
from typing import Annotated

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

_SCHEMES = ("sqlite:///", "postgresql+psycopg://")


class ConsoleSettings(BaseModel):
    """Everything that can be set of the console; single values also by ``TRACEHOUND_CONSOLE__…``."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    database_url: SecretStr = Field(
        default=SecretStr("sqlite:///tracehound.db"),
        description="Where what was told is kept: sqlite:///FILE (below the folder it is started in; "
        "sqlite:////FILE from the root) or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE; never logged",
    )
    host: str = Field(
        default="127.0.0.1", min_length=1, description="Address to listen on; others than loopback only with keys"
    )
    port: Annotated[int, Ge(0), Le(65_535)] = Field(
        default=8420, description="Port of the API, its page, metrics and health; 0: any"
    )
    group_id: str = Field(
        default="tracehound-console", min_length=1, description="Consumer group of the console's reader"
    )
    keep_days: Annotated[float, Gt(0), Le(36_500)] = Field(
        default=90.0, description="How long what was told is kept, since it was told"
    )
    keep_mb: Annotated[float, Gt(0), Le(100_000_000)] = Field(
        default=10_000.0,
        description="How many megabytes of events are kept, the oldest go first; indexes and columns come on top",
    )
    requests_per_minute: Annotated[int, Ge(0), Le(10_000_000)] = Field(
        default=6_000, description="Requests of one key, or of one person, per minute; 0: no bound"
    )
    refused_per_minute: Annotated[int, Ge(1), Le(10_000_000)] = Field(
        default=60, description="Requests with a wrong key that one address may send per minute"
    )
    max_body_bytes: Annotated[int, Ge(1_000), Le(100_000_000)] = Field(
        default=1_000_000, description="Largest body of a request"
    )
    max_connections: Annotated[int, Ge(1), Le(100_000)] = Field(
        default=500, description="Connections at once; more are closed"
    )
    session_hours: Annotated[float, Gt(0), Le(8_760)] = Field(
        default=12.0, description="How long somebody who signed in on the page stays signed in"
    )
    price_per_cpu_hour: Annotated[float, Ge(0), Le(1_000_000)] = Field(
        default=0.05, description="What an hour of one CPU costs, for the cost of training"
    )
    price_per_gb: Annotated[float, Ge(0), Le(1_000_000)] = Field(
        default=0.10, description="What a gigabyte of trained models costs, which are kept and sent"
    )
    currency: str = Field(
        default="USD", min_length=1, max_length=20, description="What these prices are in, as it is shown"
    )
    proxy_addresses: str = Field(
        default="",
        description="Addresses or networks, separated by commas, of proxies that are believed who asks and from where",
    )
    proxy_user_header: str = Field(
        default="",
        description="Header in which these proxies say who has signed in with them (OpenID Connect), "
        "such as X-Forwarded-User; without it nobody is believed",
    )
    proxy_operators: str = Field(
        default="", description="Those of them who are operators, separated by commas; who is not named is a viewer"
    )
    proxy_admins: str = Field(default="", description="Those of them who are admins, separated by commas")

    @field_validator("proxy_addresses")
    @classmethod
    def _networks(cls, given: str) -> str:
        for one in filter(None, map(str.strip, given.split(","))):
            try:
                ipaddress.ip_network(one)
            except ValueError:
                raise ValueError(
                    "The setting 'console.proxy_addresses' must be addresses or networks, separated by commas. "
                    f"Got {one!r} among them."
                ) from None
        return given

    @model_validator(mode="after")
    def _header_of_somebody(self) -> "ConsoleSettings":
        if self.proxy_user_header and not self.proxy_addresses:
            raise ValueError(
                "The setting 'console.proxy_user_header' must go with 'console.proxy_addresses', or anybody could be "
                "anybody. Got no addresses."
            )
        return self

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, given: SecretStr) -> SecretStr:
        url = given.get_secret_value()
        if not url.startswith(_SCHEMES) or url in _SCHEMES:
            raise ValueError(
                "The setting 'console.database_url' must begin with sqlite:/// or postgresql+psycopg:// and name a "
                f"database. Got {url.partition(':')[0]!r} before the first colon instead."
            )
        return given

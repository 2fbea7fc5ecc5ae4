"""Settings of the console: where it keeps what was told, for how long, and where it listens."""

from typing import Annotated

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

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
        default=90.0, description="How long what was told is kept, by the time of the event"
    )
    keep_mb: Annotated[float, Gt(0), Le(100_000_000)] = Field(
        default=10_000.0,
        description="How many megabytes of events are kept, the oldest go first; indexes and columns come on top",
    )

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

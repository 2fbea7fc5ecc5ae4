"""Settings of a worker and of the commands: environment first, then the TOML file named by TRACEHOUND_CONFIG."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le
from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.topics import DEFAULT_PARTITIONS, DEFAULT_PREFIX, Topics
from tracehound.streams.settings.console import ConsoleSettings
from tracehound.streams.settings.gateway import GatewaySettings
from tracehound.streams.settings.incident_worker import IncidentWorkerSettings
from tracehound.streams.settings.intake import IntakeSettings
from tracehound.streams.settings.kept_executions import KeptExecutionSettings
from tracehound.streams.settings.mistakes import sentence, unknown_variables
from tracehound.streams.settings.notify import NotifySettings

CONFIG_VARIABLE = "TRACEHOUND_CONFIG"
CONSOLE_URL = "TRACEHOUND_CONSOLE_URL"
CONSOLE_KEY = "TRACEHOUND_CONSOLE_KEY"
CONSOLE_KEY_FILE = "TRACEHOUND_CONSOLE_KEY_FILE"
"""Where commands find the console, and the key they show: variables alone, no settings of a process."""
PREFIX = "TRACEHOUND_"
_NO_SETTINGS = (CONFIG_VARIABLE, CONSOLE_URL, CONSOLE_KEY, CONSOLE_KEY_FILE)
_RECORDS_OF_A_BATCH = 16
_LISTS = ("extra_detectors", "private_attributes")


def _split_names(given: Any) -> Any:
    """Detection as read, with each list of names split where it is one text, as in the environment."""
    if not isinstance(given, dict):
        return given
    texts = {name: given[name] for name in _LISTS if isinstance(given.get(name), str)}
    return given | {name: tuple(filter(None, map(str.strip, text.split(",")))) for name, text in texts.items()}


class Settings(BaseSettings):
    """Everything that can be set, with its default. Environment variables have the prefix ``TRACEHOUND_``."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=True
    )

    bootstrap_servers: str = Field(
        default="127.0.0.1:9092",
        min_length=1,
        validation_alias=AliasChoices("KAFKA_BOOTSTRAP_SERVERS", "TRACEHOUND_BOOTSTRAP_SERVERS", "bootstrap_servers"),
        description="Kafka brokers, host:port separated by commas (also KAFKA_BOOTSTRAP_SERVERS)",
    )
    topic_prefix: str = Field(default=DEFAULT_PREFIX, pattern=r"^[A-Za-z0-9._-]*$", description="Prefix of all topics")
    partitions: Annotated[int, Ge(1), Le(10_000)] = Field(
        default=DEFAULT_PARTITIONS, description="Partitions of each topic, fixed when topics are created"
    )
    replication_factor: Annotated[int, Ge(1), Le(10)] = Field(
        default=1, description="Replicas of each topic; 3 on a cluster"
    )
    group_id: str = Field(default="tracehound-scoring", min_length=1, description="Consumer group of the workers")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="How to talk to Kafka"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = Field(
        default="PLAIN", description="SASL mechanism, with SASL_PLAINTEXT and SASL_SSL"
    )
    sasl_username: str = Field(default="", description="SASL user name; with OAUTHBEARER the client id")
    sasl_password: SecretStr = Field(
        default=SecretStr(""), description="SASL password; with OAUTHBEARER the client secret; never logged"
    )
    sasl_oauth_token_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s@]+)?$",
        description="With OAUTHBEARER: where tokens are got, by client id and secret (OAuth 2.0 client credentials)",
        examples=["https://login.example.com/oauth2/token"],
    )
    sasl_oauth_scope: str = Field(default="", description="With OAUTHBEARER: the scope that is asked for, if any")
    ssl_ca_file: Path | None = Field(
        default=None, description="Certificate authority of the brokers, PEM", examples=["/etc/tracehound/ca.pem"]
    )
    ssl_certificate_file: Path | None = Field(
        default=None,
        description="Certificate of this client, PEM, where brokers want one",
        examples=["/etc/tracehound/client.pem"],
    )
    ssl_key_file: Path | None = Field(
        default=None, description="Private key of that certificate, PEM", examples=["/etc/tracehound/client.key"]
    )
    ssl_key_password: SecretStr = Field(default=SecretStr(""), description="Password of that key; never logged")

    max_event_bytes: Annotated[int, Ge(1_000), Le(100_000_000)] = Field(
        default=1_000_000, description="Largest single execution; larger ones become dead letters"
    )
    max_record_bytes: Annotated[int, Ge(1_000), Le(100_000_000)] = Field(
        default=8_000_000, description="Largest record (an execution or an array of them)"
    )
    max_segments: Annotated[int, Ge(1), Le(1_000_000)] = Field(
        default=5_000, description="Segments per execution; more become dead letters"
    )
    max_future_s: Annotated[float, Ge(0)] = Field(
        default=300.0, description="How far started_at may lie after the record's Kafka timestamp"
    )
    normalize_operations: bool = Field(
        default=True, description="Replace ids in operation names (/users/8231) by templates"
    )

    schemas_dir: Path | None = Field(
        default=None,
        description="Folder of schemas (<id>.avsc, <id>.desc) for executions with the framing of a schema registry",
        examples=["/etc/tracehound/schemas"],
    )
    execution_fields: str = Field(
        default="",
        description="Where fields of an execution are in JSON with other names: "
        "application=service.name, started_at=time:ms, status=code:error=5xx (docs/contracts.md)",
    )

    progress_interval_s: Annotated[float, Gt(0)] = Field(
        default=5.0, description="Time between progress records of an application"
    )
    silence_interval_s: Annotated[float, Gt(0)] = Field(
        default=5.0, description="Time between checks for applications that fell silent"
    )
    live_within_s: Annotated[float, Gt(0)] = Field(
        default=600.0,
        description="Applications whose newest execution was older than this when scored are not live: "
        "their silence is not judged",
    )
    state_dir: Path | None = Field(
        default=None,
        description="Folder for copies of model states, so that a restart need not read all of them from Kafka; "
        "without it a temporary one",
        examples=["/var/lib/tracehound"],
    )
    save_interval_s: Annotated[float, Gt(0), Le(3_600)] = Field(
        default=5.0, description="Time between savings of model states"
    )
    save_share: Annotated[float, Gt(0), Le(1)] = Field(
        default=0.05, description="Share of a worker's time for saving model states, where there are many"
    )
    model_memory_mb: Annotated[int, Ge(0), Le(1_000_000)] = Field(
        default=2_048,
        description="Memory for models; above it the least recently used applications are saved and leave it until "
        "they are used again; 0: no bound",
    )
    retire_after_days: Annotated[float, Gt(0)] = Field(
        default=30.0,
        description="Applications that have sent nothing for so long are forgotten, with what was learned of them",
    )
    applications_per_partition: Annotated[int, Ge(10), Le(10_000_000)] = Field(
        default=20_000,
        description="Applications that are remembered of one partition. Of more, those are forgotten that were quiet "
        "for longer than they had been heard; where all are in use, executions of further ones become dead letters",
    )
    commit_interval_s: Annotated[float, Gt(0)] = Field(default=2.0, description="Time between offset commits")
    max_runs_in_flight: Annotated[int, Ge(1), Le(1_000)] = Field(
        default=16, description="Fetched runs whose results are not yet acknowledged by Kafka; more wait"
    )
    gather_s: Annotated[float, Ge(0), Le(10)] = Field(
        default=0.035,
        description="Within how long what arrives is fetched together and dealt with; less costs more CPU time",
    )
    finish_timeout_s: Annotated[float, Gt(0), Le(55)] = Field(
        default=15.0, description="How long a worker finishes its work when partitions are revoked or it stops"
    )
    stall_timeout_s: Annotated[float, Gt(0)] = Field(
        default=300.0,
        description="A worker ends itself after so long without progress while records wait, or without partitions",
    )
    session_timeout_s: Annotated[float, Gt(0)] = Field(default=20.0, description="Kafka session timeout of a worker")
    fit_processes: Annotated[int, Ge(1), Le(64)] = Field(default=1, description="Processes that refit forests")
    predictions_per_request: Annotated[int, Ge(1), Le(1_000)] = Field(
        default=500, description="Executions of one request for predictions; more are refused"
    )
    prediction_share: Annotated[float, Gt(0), Le(1)] = Field(
        default=0.05, description="Share of a worker's time for predictions on demand; what is more waits or expires"
    )
    labelled_applications: Annotated[int, Ge(0), Le(100_000)] = Field(
        default=200, description="Applications with labels of their own in metrics; the rest share one"
    )
    http_host: str = Field(default="127.0.0.1", description="Address of metrics and health; loopback by default")
    http_port: Annotated[int, Ge(0), Le(65_535)] = Field(default=8780, description="Port of metrics and health; 0: any")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Lowest level logged")
    log_format: Literal["json", "console"] = Field(default="json", description="JSON lines, or readable text")
    traces_endpoint: Annotated[str, StringConstraints(pattern=r"^(https?://.+)?$")] = Field(
        default="",
        description="Where workers send traces of their own work, one for each run of records, by OTLP/HTTP: "
        "http://127.0.0.1:4318/v1/traces, for instance; without it there are none",
    )
    broker_is_embedded: bool = Field(
        default=False,
        description="The broker is the embedded one, whose group protocol needs a delay (set by the demo)",
    )
    detection: Annotated[DetectionSettings, BeforeValidator(_split_names)] = Field(
        default_factory=DetectionSettings, description="Detection, see below"
    )

    intake: IntakeSettings = Field(default_factory=IntakeSettings, description="Intake, see below")
    incidents: IncidentSettings = Field(default_factory=IncidentSettings, description="Incidents, see below")
    incident_worker: IncidentWorkerSettings = Field(
        default_factory=IncidentWorkerSettings, description="The worker of incidents, see below"
    )
    notify: NotifySettings = Field(default_factory=NotifySettings, description="Notifications, see below")
    gateway: GatewaySettings = Field(default_factory=GatewaySettings, description="The gateway, see below")
    console: ConsoleSettings = Field(default_factory=ConsoleSettings, description="The console, see below")
    kept_executions: KeptExecutionSettings = Field(
        default_factory=KeptExecutionSettings, description="What the console keeps of executions, see below"
    )

    @property
    def limits(self) -> Limits:
        """What a record of executions must keep."""
        return Limits(
            max_event_bytes=self.max_event_bytes,
            max_record_bytes=self.max_record_bytes,
            max_segments=self.max_segments,
            max_future_s=self.max_future_s,
        )

    @property
    def batch_bytes(self) -> int:
        """What a compressed batch of records may unpack to: several of the largest."""
        return _RECORDS_OF_A_BATCH * self.max_record_bytes

    @property
    def topics(self) -> Topics:
        """The topics under the configured prefix, and those of others that are read."""
        intake = self.intake
        return Topics(self.topic_prefix, self.partitions, intake.otlp_topic_names, intake.execution_topic_names)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (signature of the base class)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the TOML file."""
        path = os.environ.get(CONFIG_VARIABLE)
        file = (TomlConfigSettingsSource(settings_cls, Path(path)),) if path else ()
        return (init_settings, env_settings, *file)


def load_settings(**overrides: object) -> Settings:
    """Settings from arguments, environment and TOML file.

    Raises:
        ConfigurationError: a setting is unknown or wrong; the message names each, with rule and value.
    """
    path = os.environ.get(CONFIG_VARIABLE)
    if path and not Path(path).is_file():
        raise ConfigurationError(f"{CONFIG_VARIABLE} names the file {path!r}, which does not exist.")
    if unknown := unknown_variables(os.environ, Settings, PREFIX, _NO_SETTINGS):
        raise ConfigurationError("\n".join(unknown))
    try:
        return Settings(**overrides)  # type: ignore[arg-type] # pydantic checks them
    except ValidationError as error:
        raise ConfigurationError("\n".join(sentence(problem, Settings) for problem in error.errors())) from None
    except ValueError as error:
        raise ConfigurationError(f"The configuration file {path!r} cannot be read: {error}") from error

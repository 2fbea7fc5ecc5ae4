"""Settings of intake: what it reads, how long it waits for the rest of a trace, and how much it keeps."""

import re
from typing import Annotated

from annotated_types import Ge, Gt, Le, MaxLen, MinLen
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from tracehound.schemas.log_event import LOG_SUFFIX
from tracehound.schemas.topics import DEFAULT_OTLP_TOPICS

_TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")


class IntakeSettings(BaseModel):
    """Everything that can be set of intake. Environment variables have the prefix ``TRACEHOUND_INTAKE__``."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    otlp_topics: str = Field(
        default=",".join(DEFAULT_OTLP_TOPICS),
        description="Topics of tracers and Collectors, separated by commas; they have no prefix",
    )
    execution_topics: str = Field(
        default="",
        description="Topics of others that hold executions, in any form that is read (docs/contracts.md), separated by "
        "commas; they have no prefix",
    )
    applications_with_namespace: bool = Field(
        default=True,
        description="An application is namespace/name where a service has a service.namespace; else its name alone",
    )
    otlp_logs: bool = Field(
        default=False,
        description="Take OTLP logs on those topics as log events; else they are told as records of another signal",
    )
    log_application: Annotated[str, MinLen(1), MaxLen(180)] = Field(
        default="system", description="The application of log events that say none"
    )
    log_suffix: Annotated[str, MaxLen(20)] = Field(
        default=LOG_SUFFIX,
        description="Put behind an application's name where its log events are scored, so that they have models, "
        "traffic and silences of their own; empty: together with its executions",
    )
    log_templates: Annotated[int, Ge(8), Le(100_000)] = Field(
        default=500, description="Templates of log messages kept for each application; the least recently seen go"
    )
    log_memory_mb: Annotated[float, Gt(0), Le(100_000)] = Field(
        default=64.0, description="Memory for templates, of all applications and partitions together"
    )
    group_id: str = Field(default="tracehound-intake", min_length=1, description="Consumer group of intake")
    trace_wait_s: Annotated[float, Ge(0), Le(3_600)] = Field(
        default=10.0, description="A trace is complete when nothing came of it for this long"
    )
    incomplete_trace_wait_s: Annotated[float, Ge(0), Le(3_600)] = Field(
        default=60.0, description="The same for an execution with spans whose enclosing span is still missing"
    )
    max_trace_s: Annotated[float, Gt(0), Le(86_400)] = Field(
        default=900.0, description="A trace is closed this long after its first span; longer requests lose segments"
    )
    max_trace_spans: Annotated[int, Ge(1), Le(1_000_000)] = Field(
        default=20_000, description="A trace is closed when it has this many spans"
    )
    closed_trace_memory_s: Annotated[float, Ge(0), Le(86_400)] = Field(
        default=60.0, description="How long a closed trace is remembered, to tell what is late or comes again"
    )
    source_patience_s: Annotated[float, Gt(0), Le(86_400)] = Field(
        default=60.0, description="A source that nobody has read for this long no longer holds up the others"
    )
    buffer_mb: Annotated[float, Gt(0), Le(1_000_000)] = Field(
        default=384.0, description="Memory for traces not yet complete, of all partitions together"
    )
    tick_interval_s: Annotated[float, Gt(0), Le(60)] = Field(
        default=1.0, description="Time between records that tell how far each source was read"
    )
    checkpoint_interval_s: Annotated[float, Gt(0), Le(300)] = Field(
        default=5.0, description="Time between checkpoints of the join, and of the templates of logs"
    )
    call_graph_interval_s: Annotated[float, Gt(0), Le(3_600)] = Field(
        default=30.0, description="Time between records of who called whom"
    )
    http_port: Annotated[int, Ge(0), Le(65_535)] = Field(
        default=8781, description="Port of intake's metrics and health; 0: any"
    )

    @field_validator("otlp_topics", "execution_topics")
    @classmethod
    def _names(cls, given: str, info: ValidationInfo) -> str:
        for name in given.split(","):
            if given.strip() and not _TOPIC_NAME.fullmatch(name.strip()):
                raise ValueError(
                    f"The setting 'intake.{info.field_name}' must be names of topics separated by commas. "
                    f"Got {given!r} instead."
                )
        return given

    @model_validator(mode="after")
    def _each_of_one_kind(self) -> "IntakeSettings":
        both = sorted({*self.otlp_topic_names}.intersection(self.execution_topic_names))
        if both:
            raise ValueError(
                "The settings 'intake.otlp_topics' and 'intake.execution_topics' must name different topics. "
                f"Got {both[0]!r} in both."
            )
        return self

    @property
    def otlp_topic_names(self) -> tuple[str, ...]:
        """``otlp_topics`` one by one, each once."""
        return _each(self.otlp_topics)

    @property
    def execution_topic_names(self) -> tuple[str, ...]:
        """``execution_topics`` one by one, each once."""
        return _each(self.execution_topics)


def _each(names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))

"""Settings of what the console keeps of executions."""

from typing import Annotated

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, ConfigDict, Field


class KeptExecutionSettings(BaseModel):
    """Everything that can be set of it; single values also by ``TRACEHOUND_KEPT_EXECUTIONS__…``."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    in_console: bool = Field(
        default=True,
        description="Whether `tracehound console` keeps executions itself; off where `--only executions` does",
    )
    group_id: str = Field(
        default="tracehound-console-executions",
        min_length=1,
        description="Consumer group of those who keep executions; they share partitions",
    )
    applications: Annotated[int, Ge(1), Le(10_000_000)] = Field(
        default=10_000, description="Applications that are kept apart; others are kept together"
    )
    operations: Annotated[int, Ge(1), Le(1_000_000)] = Field(
        default=1_000, description="Operations of an application that are kept apart; others are kept together"
    )
    late_hours: Annotated[float, Gt(0), Le(8_760)] = Field(
        default=24.0,
        description="Executions that began so long before their application's time are counted, and not kept",
    )
    minutes_hours: Annotated[float, Gt(0), Le(8_760)] = Field(
        default=6.0, description="How long windows of a minute are kept; then they are merged into hours"
    )
    hours_days: Annotated[float, Gt(0), Le(36_500)] = Field(
        default=14.0, description="How long windows of an hour are kept; then they are merged into days"
    )
    days: Annotated[float, Gt(0), Le(36_500)] = Field(default=400.0, description="How long windows of a day are kept")
    window_memory_mb: Annotated[int, Ge(1), Le(1_000_000)] = Field(
        default=64, description="Memory for windows that still change; others are read from the database"
    )
    recent_memory_mb: Annotated[int, Ge(1), Le(1_000_000)] = Field(
        default=64, description="Memory for the newest executions, which anomalies are shown by"
    )
    exemplars_mb: Annotated[int, Ge(1), Le(1_000_000)] = Field(
        default=500, description="How many megabytes of anomalous executions are kept, the oldest go first"
    )

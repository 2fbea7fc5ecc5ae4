"""Settings of the incident worker as a process; how incidents are made of anomalies is ``IncidentSettings``."""

from typing import Annotated

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, ConfigDict, Field


class IncidentWorkerSettings(BaseModel):
    """Environment variables have the prefix ``TRACEHOUND_INCIDENT_WORKER__``."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    group_id: str = Field(
        default="tracehound-incidents", min_length=1, description="Consumer group of the incident worker"
    )
    http_port: Annotated[int, Ge(0), Le(65_535)] = Field(
        default=8782, description="Port of its metrics and health; 0: any"
    )
    save_interval_s: Annotated[float, Gt(0), Le(300)] = Field(
        default=2.0, description="Time between saves of what is known of incidents"
    )
    max_maintenance_days: Annotated[float, Gt(0), Le(366)] = Field(
        default=31.0, description="Maintenance windows that take longer are refused"
    )

"""What commands read of the console's answers; what else is in them goes on to programs as it came.

Whole types are in the console's OpenAPI document. Answers are checked against these before anything is printed: what
listens at an address may be another program.
"""

from typing import Any, NotRequired, TypedDict

from tracehound.schemas.anomaly import Severity


class Application(TypedDict):
    """An application as it is."""

    application: str
    environment: str
    health: str
    open_incidents: int
    executions: int
    errors: int
    anomalies: int
    scored_through: str | None


class Items(TypedDict):
    """What is told at once."""

    items: list[dict[str, Any]]


class Operation(TypedDict):
    """An operation whose executions are kept."""

    application: str
    environment: str
    operation: str


class QuantileShape(TypedDict):
    """The number that a share ``p`` is at most."""

    p: float
    value: float


class Bucket(TypedDict):
    """So many numbers above ``above`` and up to ``to``."""

    above: float
    to: float
    count: int


class Distribution(TypedDict):
    """Where a number of an operation's executions lies."""

    operation: str
    environment: str
    name: str
    since: str | None
    until: str | None
    executions: int
    errors: int
    results: dict[str, int]
    names: list[str]
    count: int
    mean: float | None
    low: float | None
    high: float | None
    relative_error: float
    quantiles: list[QuantileShape]
    histogram: list[Bucket]


class Deviation(TypedDict):
    """What an anomaly's event says of it."""

    application: str
    environment: str
    operation: str
    kind: str
    severity: Severity
    score: float
    reason: str
    typical: float
    actual: float
    unit: str
    bounds: tuple[float, float]
    contributions: dict[str, float]
    evidence: NotRequired[dict[str, Any]]
    concentrated_in: NotRequired[list[dict[str, Any]]]


class Anomaly(TypedDict):
    """An anomaly's event."""

    id: str
    time: str
    data: Deviation


class BarShape(TypedDict):
    """A segment of a waterfall."""

    name: str
    kind: str
    peer: str | None
    status: str
    depth: int
    parent: int | None
    offset_ms: float | None
    duration_ms: float
    call_gap_ms: float | None
    count: int
    usual_ms: float | None


class WaterfallShape(TypedDict):
    """An execution as a waterfall."""

    trace_id: str
    started_at: str
    duration_ms: float
    status: str
    bars: list[BarShape]
    left_out: int


class ExemplarShape(TypedDict):
    """An execution that an anomaly names, and a usual one."""

    anomaly_id: str
    execution: WaterfallShape
    usual: WaterfallShape | None


class Happening(TypedDict):
    """What an incident's event says of it."""

    incident_id: str
    state: str
    severity: Severity
    environment: str
    summary: str
    reason: str
    opened_at: str
    updated_at: str
    resolved_at: str | None
    applications: list[str]
    anomaly_count: int


class IncidentShape(TypedDict):
    """An incident's event."""

    id: str
    time: str
    data: Happening


class LogLine(TypedDict):
    """What a log event says."""

    application: str
    environment: str
    host: str
    level: str
    severity: Severity | None
    message: str
    template_id: str


class LogShape(TypedDict):
    """A scored log event."""

    id: str
    time: str
    data: LogLine


class TemplateShape(TypedDict):
    """How often messages of one template came."""

    application: str
    template_id: str
    template: str
    level: str
    count: int
    count_before: int
    new: bool
    last_at: str


class Templates(TypedDict):
    """Templates of a stretch of time."""

    items: list[TemplateShape]


class Model(TypedDict):
    """A model as it is."""

    operation: str
    model: str
    state: str | None
    learned: int
    needed: int
    sentence: str
    trained_at: str | None
    cpu_s: float | None
    samples: int | None
    model_bytes: int | None


class Models(TypedDict):
    """The models of an application."""

    items: list[Model]
    ready: bool


class ModelHappening(TypedDict):
    """What a model's event says."""

    application: str
    environment: str
    operation: str
    model: str
    change: str
    sentence: str


class ModelEventShape(TypedDict):
    """A model's event."""

    id: str
    time: str
    data: ModelHappening


class TotalShape(TypedDict):
    """What training runs took together."""

    of: str
    environment: str
    runs: int
    cpu_s: float
    wall_s: float
    samples: int
    model_bytes: int
    money: float


class Totals(TypedDict):
    """What runs took, in all and by something."""

    currency: str
    total: TotalShape
    items: list[TotalShape]


class TrainingRunShape(TypedDict):
    """A training run."""

    time: str
    application: str
    environment: str
    model: str
    why: str
    cpu_s: float
    samples: int
    model_bytes: int
    money: float
    currency: str
    estimated_cpu_s: float | None


class EstimatedItem(TypedDict):
    """What training one application would take."""

    application: str
    environment: str
    samples: int
    cpu_s: float
    wall_s: float
    money: float


class Estimated(TypedDict):
    """What training would take."""

    currency: str
    measured_runs: int
    error_share_median: float | None
    items: list[EstimatedItem]


class StartedShape(TypedDict):
    """Training that somebody asked for."""

    id: str
    application: str
    environment: str
    state: str
    sentence: str


class KeyShape(TypedDict):
    """A key of the console."""

    prefix: str
    name: str
    role: str
    made_by: str
    made_at: str
    expires_at: str | None
    last_used_at: str | None


class Keys(TypedDict):
    """All keys."""

    items: list[KeyShape]


class MadeKey(TypedDict):
    """A key that was just made."""

    key: str
    prefix: str
    role: str
    expires_at: str | None


class PreviewShape(TypedDict):
    """What would follow of a verdict."""

    sentence: str
    silenced: int
    confirmed: int

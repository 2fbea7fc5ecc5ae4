"""What commands read of the console's answers about tunings and settings of single applications; see `shapes`."""

from typing import TypedDict


class TuningShape(TypedDict):
    """A tuning, and how far it is."""

    id: str
    asked_at: str
    application: str
    environment: str
    state: str
    tried: int
    candidates: int
    cpu_s: float
    money: float
    currency: str


class CandidateShape(TypedDict):
    """Settings that are tried, and what they would have told."""

    number: int
    settings: dict[str, float]
    state: str
    best: bool
    anomalies_a_day: float
    outside_a_day: float
    confirmed: int
    found: int
    recall: float | None
    cpu_s: float


class TuningResultsShape(TypedDict):
    """A tuning with all of its candidates."""

    tuning: TuningShape
    items: list[CandidateShape]


class VersionShape(TypedDict):
    """Settings of detection that an application has, or had, of its own."""

    at: str
    application: str
    environment: str
    version: int
    settings: dict[str, float]
    by: str
    why: str
    state: str
    sentence: str

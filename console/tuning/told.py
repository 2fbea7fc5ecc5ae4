"""What is told of tunings."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from tracehound.console.training.price import Price
from tracehound.console.web.times import moment
from tracehound.schemas.tuning import State, TuningResult, TuningTask
from tracehound.streams.scoring.tuning.plan import best_of

TuningState = Literal["waiting", "running", "ended", "cancelled", "expired"]


class Tuning(msgspec.Struct):
    """Settings that are tried on executions of an application, and how far that is.

    ``progress`` is which share of the ``candidates`` were tried, each with its share of the budget, which was
    ``budget_cpu_s``; ``cpu_s`` were used. ``since`` and ``until`` bound the executions by event time, null: no bound.
    ``confirmed`` counts the incidents that are to be found. Money is at the prices that are set now.
    """

    id: str
    asked_at: str
    by: str
    application: str
    environment: str
    state: TuningState
    candidates: int
    tried: int
    progress: float
    budget_cpu_s: float
    budget_money: float
    cpu_s: float
    money: float
    currency: str
    since: str | None
    until: str | None
    expires_at: str
    confirmed: int


class Candidate(msgspec.Struct):
    """Settings that are tried, and what they would have told; number 0 are the settings as they are.

    ``anomalies_a_day`` counts all, ``outside_a_day`` those that were in no confirmed incident. ``recall`` is which
    share of the confirmed incidents had an anomaly, null without any.
    """

    number: int
    settings: dict[str, float]
    state: Literal["waiting"] | State
    best: bool
    executions: int
    days: float
    anomalies: int
    anomalies_a_day: float
    outside: int
    outside_a_day: float
    confirmed: int
    found: int
    recall: float | None
    cpu_s: float
    wall_s: float
    money: float
    host: str
    sentence: str


class TuningResults(msgspec.Struct):
    """A tuning with all of its candidates; ``best`` is the number of the best one.

    That is, of those that finished and found no fewer confirmed incidents than the settings as they are, the one with
    the fewest anomalies outside of them; null while the settings as they are have not been tried.
    """

    tuning: Tuning
    best: int | None
    items: list[Candidate]


def tuning_told(
    task: TuningTask,
    asked_us: int,
    counted: Mapping[str, tuple[int, float]],
    candidates: int,
    price: Price,
    now_s: float,
) -> Tuning:
    """A tuning, from its first task, and by states of results how many there are and the CPU seconds they took."""
    given_up = "given_up" in counted
    results = {state: one for state, one in counted.items() if state != "given_up"}
    tried, cpu_s = sum(count for count, _ in results.values()), sum(used for _, used in results.values())
    budget_cpu_s = task.most_cpu_s * candidates
    return Tuning(
        task.tuning,
        moment(asked_us),
        task.by,
        task.application,
        task.environment,
        _state(given_up, tried, candidates, task.expires_at <= now_s),
        candidates,
        tried,
        min(1.0, tried / candidates) if candidates else 0.0,
        budget_cpu_s,
        price.of(budget_cpu_s, 0),
        cpu_s,
        price.of(cpu_s, 0),
        price.currency,
        moment(round(task.since * 1e6)) if task.since else None,
        moment(round(task.until * 1e6)) if task.until else None,
        moment(round(task.expires_at * 1e6)),
        len(task.confirmed),
    )


def _state(given_up: bool, tried: int, candidates: int, expired: bool) -> TuningState:
    if given_up:
        return "cancelled"
    if tried >= candidates:
        return "ended"
    if expired:
        return "expired"
    return "running" if tried else "waiting"


def results_told(
    tuning: Tuning, tasks: Sequence[TuningTask], results: Sequence[TuningResult], price: Price
) -> TuningResults:
    """A tuning with its candidates, whether they were tried or not."""
    best, known = best_of(results), {one.number: one for one in results}
    items = []
    for task in tasks:
        result = known.get(task.number)
        told = result or TuningResult(
            id=task.id, tuning=task.tuning, number=task.number, settings=task.settings, state="done"
        )
        items.append(
            Candidate(
                task.number,
                task.settings,
                "waiting" if result is None else result.state,
                best is not None and best.number == task.number,
                told.executions,
                told.days,
                told.anomalies,
                told.anomalies / told.days if told.days else 0.0,
                told.outside,
                told.outside_a_day,
                told.confirmed or len(task.confirmed),
                told.found,
                told.recall,
                told.cpu_s,
                told.wall_s,
                price.of(told.cpu_s, 0),
                told.host,
                told.sentence,
            )
        )
    return TuningResults(tuning, None if best is None else best.number, items)

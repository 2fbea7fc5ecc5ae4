"""Simple ways to name the cause of an incident, to compare with."""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from tracehound.detectors.incidents.call_graph import Calls
from tracehound.detectors.incidents.evidence import evidence_of
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import epoch_seconds

Anomalies = Sequence[AnomalyEvent]
Ranking = Callable[[Anomalies, Calls], list[str]]
"""Applications, the most suspicious first, from the anomalies of an incident and who calls whom."""

DAMPING, STEPS = 0.85, 60
BACKWARDS = 0.3
"""Weight of walking from a called service back to its callers, relative to walking on."""


def most_anomalies(anomalies: Anomalies, calls: Calls) -> list[str]:  # noqa: ARG001 (a ranking)
    """The application with the most anomalies."""
    names = [event.data.application for event in anomalies]
    return _ranked({name: float(names.count(name)) for name in names})


def highest_score(anomalies: Anomalies, calls: Calls) -> list[str]:  # noqa: ARG001 (a ranking)
    """The application with the most improbable anomaly."""
    scores: dict[str, float] = {}
    for event in anomalies:
        name = event.data.application
        scores[name] = max(event.data.score, scores.get(name, 0.0))
    return _ranked(scores)


def earliest(anomalies: Anomalies, calls: Calls) -> list[str]:  # noqa: ARG001 (a ranking)
    """The application that deviated first."""
    found = sorted(anomalies, key=lambda event: (epoch_seconds(event.time), event.data.application))
    return list(dict.fromkeys(event.data.application for event in found))


def blamed_by_the_highest_score(anomalies: Anomalies, calls: Calls) -> list[str]:  # noqa: ARG001 (a ranking)
    """The called service of the most improbable anomaly, or its application where it is not one of calls."""
    found = sorted(anomalies, key=lambda event: (-event.data.score, event.id))
    blamed = (evidence_of(event.data, epoch_seconds(event.time))[0] for event in found)
    return list(dict.fromkeys(one.peer or one.application for one in blamed))


def random_walk(anomalies: Anomalies, calls: Calls) -> list[str]:
    """Where a walker ends up who starts at anomalies, follows calls to what deviates, and sometimes goes back.

    After P. Wang et al., CloudRanger, CCGrid 2018, and L. Wu et al., MicroRCA, NOMS 2020, with deviations in place of
    correlations.
    """
    sigma = {event.data.application: 0.0 for event in anomalies}
    for event in anomalies:
        sigma[event.data.application] = max(sigma[event.data.application], event.data.sigma)
    if not sigma:
        return []
    steps = _transitions(sigma, calls)
    total = sum(sigma.values())
    start = {name: weight / total for name, weight in sigma.items()} if total else dict.fromkeys(sigma, 1 / len(sigma))
    place = dict(start)
    for _ in range(STEPS):
        following = {name: (1.0 - DAMPING) * start.get(name, 0.0) for name in steps}
        for name, ways in steps.items():
            for other, share in ways.items():
                following[other] += DAMPING * place.get(name, 0.0) * share
        place = following
    return _ranked(place)


def _transitions(sigma: Mapping[str, float], calls: Calls) -> dict[str, dict[str, float]]:
    """Probabilities of the next step among what deviates and the services that it calls."""
    usual = 0.1 * fmean(sigma.values()) or 1.0
    names = sorted({*sigma, *(peer for name in sigma for peer in calls.get(name, {}))})
    ways: dict[str, dict[str, float]] = {name: {name: sigma.get(name, usual)} for name in names}
    for name in names:
        for peer in calls.get(name, {}):
            if peer in ways and peer != name:
                ways[name][peer] = ways[name].get(peer, 0.0) + sigma.get(peer, usual)
                ways[peer][name] = ways[peer].get(name, 0.0) + BACKWARDS * sigma.get(name, usual)
    return {name: {to: weight / sum(way.values()) for to, weight in way.items()} for name, way in ways.items()}


def _ranked(weights: Mapping[str, float]) -> list[str]:
    return sorted(weights, key=lambda name: (-weights[name], name))


BASELINES: dict[str, Ranking] = {
    "most anomalies": most_anomalies,
    "highest score": highest_score,
    "earliest": earliest,
    "blamed by the highest score": blamed_by_the_highest_score,
    "random walk": random_walk,
}
"""By name, in the order of the report."""

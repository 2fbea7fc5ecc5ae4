"""Chooses settings and thresholds on one half of the corpus and reports on the other."""

from collections.abc import Sequence
from dataclasses import dataclass

from tracehound.scripts.benchmarks.nab.detection import Setting, detect
from tracehound.scripts.benchmarks.nab.scorer import PROFILES, Worth, normalised_at, optimise, smooth_threshold
from tracehound.scripts.benchmarks.nab.search import Search
from tracehound.scripts.benchmarks.nab.workload import LabelledSeries

SMOOTHING = 0.2
"""On a half, settings and thresholds are judged by the score averaged over thresholds this near (in the logarithm)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The setting that was best on some series, each profile's best threshold, and the scores there."""

    setting: Setting
    thresholds: dict[str, float]
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class Result:
    """Scores by profile and what they were obtained with."""

    scores: dict[str, float]
    choices: dict[str, Choice]


def choose(
    corpus: Sequence[LabelledSeries],
    worths: Sequence[Worth],
    tuning: Sequence[int],
    search: Search,
    smoothing: float = SMOOTHING,
) -> Choice:
    """Setting and thresholds from the series with the indexes ``tuning`` alone."""
    setting = search.best(tuning, smoothing)
    told = [detect(corpus[index], setting) for index in tuning]
    some = [worths[index] for index in tuning]
    thresholds = {
        profile.name: smooth_threshold(told, some, profile, smoothing)
        if smoothing > 0.0
        else optimise(told, some, profile).threshold
        for profile in PROFILES
    }
    scores = {
        profile.name: normalised_at(told, some, [thresholds[profile.name]] * len(some), profile) for profile in PROFILES
    }
    return Choice(setting, thresholds, scores)


def cross_validate(corpus: Sequence[LabelledSeries], worths: Sequence[Worth], search: Search) -> Result:
    """Tuned on the series with even index and reported on those with odd index, then swapped, and pooled."""
    indexes = range(len(corpus))
    on_even, on_odd = (choose(corpus, worths, [i for i in indexes if i % 2 == half], search) for half in (0, 1))
    chosen = [on_odd if index % 2 == 0 else on_even for index in indexes]
    told = [detect(series, choice.setting) for series, choice in zip(corpus, chosen, strict=True)]
    scores = {
        profile.name: normalised_at(told, worths, [choice.thresholds[profile.name] for choice in chosen], profile)
        for profile in PROFILES
    }
    return Result(scores, {"tuned_on_even": on_even, "tuned_on_odd": on_odd})


def tune_on_all(corpus: Sequence[LabelledSeries], worths: Sequence[Worth], search: Search) -> Result:
    """Setting and thresholds from all series, as published figures of the benchmark are."""
    choice = choose(corpus, worths, range(len(corpus)), search, smoothing=0.0)
    return Result(choice.scores, {"tuned_on_all": choice})

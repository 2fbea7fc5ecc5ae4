"""Chooses settings and thresholds on one half of the corpus and reports on the other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from detectors.bank import Floats
from scripts.benchmarks.nab.detection import Setting
from scripts.benchmarks.nab.scorer import PROFILES, Optimum, Profile, Worth, normalised_at, optimise, optimise_smoothly

Told = Mapping[Setting, Sequence[Floats]]
Optimise = Callable[[Sequence[Floats], Sequence[Worth], Profile], Optimum]
STANDARD = PROFILES[0]


@dataclass(frozen=True, slots=True)
class Choice:
    """The setting with the best standard score on some series, each profile's best threshold, and the scores there."""

    setting: Setting
    thresholds: dict[str, float]
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class Result:
    """Scores by profile and what they were obtained with."""

    scores: dict[str, float]
    choices: dict[str, Choice]


def choose(
    told: Told, worths: Sequence[Worth], tuning: Sequence[int], optimise: Optimise = optimise_smoothly
) -> Choice:
    """Setting and thresholds from the series with the indexes ``tuning`` alone."""
    some = [worths[index] for index in tuning]
    of_setting = {
        setting: optimise([scores[index] for index in tuning], some, STANDARD).normalised
        for setting, scores in told.items()
    }
    setting = max(of_setting, key=lambda each: of_setting[each])
    kept = [told[setting][index] for index in tuning]
    thresholds = {profile.name: optimise(kept, some, profile).threshold for profile in PROFILES}
    scores = {
        profile.name: normalised_at(kept, some, [thresholds[profile.name]] * len(some), profile) for profile in PROFILES
    }
    return Choice(setting, thresholds, scores)


def _pooled(told: Told, worths: Sequence[Worth], chosen: Sequence[Choice], profile: Profile) -> float:
    """The score of all series, each with the setting and threshold of ``chosen[index]``."""
    scores = [told[choice.setting][index] for index, choice in enumerate(chosen)]
    return normalised_at(scores, worths, [choice.thresholds[profile.name] for choice in chosen], profile)


def cross_validate(told: Told, worths: Sequence[Worth]) -> Result:
    """Tuned on the series with even index and reported on those with odd index, then swapped, and pooled."""
    on_even = choose(told, worths, range(0, len(worths), 2))
    on_odd = choose(told, worths, range(1, len(worths), 2))
    chosen = [on_odd if index % 2 == 0 else on_even for index in range(len(worths))]
    scores = {profile.name: _pooled(told, worths, chosen, profile) for profile in PROFILES}
    return Result(scores, {"tuned_on_even": on_even, "tuned_on_odd": on_odd})


def tune_on_all(told: Told, worths: Sequence[Worth]) -> Result:
    """Setting and thresholds from all series, as published figures of the benchmark are."""
    choice = choose(told, worths, range(len(worths)), optimise)
    return Result(choice.scores, {"tuned_on_all": choice})

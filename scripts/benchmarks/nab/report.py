"""The figures of a run as JSON, and as the tables that the report holds between its markers."""

from collections.abc import Sequence
from typing import Any

from tracehound.detectors.bank import Floats
from tracehound.scripts.benchmarks.nab.reference import Check
from tracehound.scripts.benchmarks.nab.scorer import PROFILES, Worth, raw_score
from tracehound.scripts.benchmarks.nab.search import STANDARD
from tracehound.scripts.benchmarks.nab.validation import Choice, Result
from tracehound.scripts.benchmarks.nab.workload import CorpusError, LabelledSeries

PUBLISHED = (
    ("ARTime", 74.9, 65.2, 80.4),
    ("Numenta HTM", 70.1, 63.1, 74.3),
    ("CAD OSE", 69.9, 67.0, 73.2),
    ("KNN-CAD", 58.0, None, None),
    ("random cut forest", 51.7, None, None),
)
"""Published scores by profile, in the order of ``PROFILES``; their authors tuned on the whole corpus."""
TARGETS = {"cross_validated": 68.0, "tuned_on_all": 76.0}
BEGIN, END = "<!-- figures of the last run: begin -->", "<!-- figures of the last run: end -->"


def figures(validated: Result, tuned: Result, checks: Sequence[Check], command: str) -> dict[str, Any]:
    """What goes into the JSON document; scores with two decimals."""
    return {
        "command": command,
        "cross_validated": _rounded(validated.scores),
        "tuned_on_all": _rounded(tuned.scores),
        "scorer_check": {
            check.detector: {
                "obtained": _rounded(check.obtained),
                "published": check.published,
                "reproduced": check.reproduced,
            }
            for check in checks
        },
        "chosen": {name: _chosen(choice) for name, choice in (validated.choices | tuned.choices).items()},
    }


def _rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(score, 2) for name, score in scores.items()}


def _chosen(choice: Choice) -> dict[str, Any]:
    thresholds = {name: round(threshold, 4) for name, threshold in choice.thresholds.items()}
    return choice.setting.as_figures() | {"thresholds": thresholds, "where_chosen": _rounded(choice.scores)}


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table.

    >>> print(table(["a", "b"], [["1", "2"]]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("|".join(["", *(f" {cell} " if cell != "---" else cell for cell in line), ""]) for line in lines)


def comparison(document: dict[str, Any]) -> str:
    """Our scores between the published ones."""
    names = [profile.name for profile in PROFILES]
    ours = [
        [f"**tracehound, {text}**", *(f"**{document[key][name]:.1f}**" for name in names)]
        for key, text in (("cross_validated", "cross-validated"), ("tuned_on_all", "tuned on all"))
    ]
    published = [[name, *("-" if score is None else f"{score:.1f}" for score in scores)] for name, *scores in PUBLISHED]
    return table(["detector", *(name.replace("_", " ") for name in names)], [*ours, *published])


def scorer_table(checks: Sequence[Check]) -> str:
    """What the scorer makes of published scores."""
    rows = [
        [check.detector, name.replace("_", " "), f"{check.obtained[name]:.2f}", f"{score:.2f}"]
        for check in checks
        for name, score in check.published.items()
    ]
    return table(["detector", "profile", "obtained", "published"], rows)


def choices_table(document: dict[str, Any]) -> str:
    """The settings that were chosen, a column each."""
    chosen: dict[str, dict[str, Any]] = document["chosen"]
    names = [name for name in next(iter(chosen.values())) if name not in ("thresholds", "where_chosen")]
    rows = [[name.replace("_", " "), *(f"{of[name]:g}" for of in chosen.values())] for name in names]
    rows.append(["threshold, standard", *(f"{of['thresholds']['standard']:.3f}" for of in chosen.values())])
    rows.append(["standard score where chosen", *(f"{of['where_chosen']['standard']:.1f}" for of in chosen.values())])
    return table(["parameter", *(name.replace("_", " ") for name in chosen)], rows)


def losses_table(
    corpus: Sequence[LabelledSeries], told: Sequence[Floats], worths: Sequence[Worth], choice: Choice, most: int = 12
) -> str:
    """The series that cost most of the standard score, with missed windows and false positives."""
    threshold = choice.thresholds[STANDARD.name]
    rows = []
    for series, scores, worth in zip(corpus, told, worths, strict=True):
        detected = scores >= threshold
        missed = sum(not (detected & (worth.window == index)).any() for index in range(worth.windows))
        loss = worth.windows * STANDARD.true_positive - raw_score(scores, worth, threshold, STANDARD)
        rows.append((loss, series.name, missed, worth.windows, int((detected & (worth.window == -1)).sum())))
    rows.sort(reverse=True)
    share = 100.0 / (sum(worth.windows for worth in worths) * (STANDARD.true_positive + STANDARD.false_negative))
    return table(
        ["series", "windows missed", "false positives", "points lost"],
        [
            [name, f"{missed} of {of}", f"{false}", f"{share * loss:.1f}"]
            for loss, name, missed, of, false in rows[:most]
        ],
    )


def with_figures(text: str, sections: Sequence[str]) -> str:
    """The report's text with ``sections`` between its two markers; what people wrote around them stays.

    Raises:
        CorpusError: the text does not have the markers.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise CorpusError(f"The report must hold the markers {BEGIN!r} and {END!r}.")
    return "\n\n".join([before + begin, *sections, end + after])

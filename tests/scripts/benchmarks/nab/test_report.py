"""The figures of a run and the tables that the report holds."""

from pathlib import Path

import numpy as np
import pytest

from tracehound.scripts.benchmarks.nab.detection import Setting
from tracehound.scripts.benchmarks.nab.plots import SHOWN, draw_comparison, draw_series
from tracehound.scripts.benchmarks.nab.reference import PUBLISHED, Check
from tracehound.scripts.benchmarks.nab.report import (
    BEGIN,
    END,
    choices_table,
    comparison,
    figures,
    losses_table,
    scorer_table,
    with_figures,
)
from tracehound.scripts.benchmarks.nab.scorer import PROFILES, worth_of
from tracehound.scripts.benchmarks.nab.validation import Choice, Result
from tracehound.scripts.benchmarks.nab.workload import CorpusError, LabelledSeries

SCORES = {profile.name: 70.123 for profile in PROFILES}
CHOICE = Choice(Setting(), {profile.name: 1.0 for profile in PROFILES}, SCORES)
CHECK = Check("numentaTM", PUBLISHED["numentaTM"], PUBLISHED["numentaTM"])
DOCUMENT = figures(Result(SCORES, {"tuned_on_even": CHOICE}), Result(SCORES, {"tuned_on_all": CHOICE}), [CHECK], "run")


def shown(name: str) -> LabelledSeries:
    return LabelledSeries(name, np.arange(0.0, 300_000.0, 300.0), np.sin(np.arange(1_000.0)), ((400, 500), (700, 750)))


def test_the_document_has_the_figures_of_all_profiles() -> None:
    assert DOCUMENT["cross_validated"] == dict.fromkeys(SCORES, 70.12)
    assert DOCUMENT["tuned_on_all"].keys() == SCORES.keys()
    assert DOCUMENT["scorer_check"]["numentaTM"]["reproduced"] is True
    assert DOCUMENT["command"] == "run"
    assert DOCUMENT["chosen"]["tuned_on_even"]["thresholds"]["standard"] == 1.0


def test_a_score_that_is_not_the_published_one_is_not_reproduced() -> None:
    assert not Check("numentaTM", {**PUBLISHED["numentaTM"], "standard": 64.54}, PUBLISHED["numentaTM"]).reproduced


def test_tables_name_us_and_the_published_ones() -> None:
    text = comparison(DOCUMENT)
    assert "| **tracehound, cross-validated** | **70.1** |" in text
    assert "| ARTime | 74.9 | 65.2 | 80.4 |" in text
    assert "| numentaTM | standard | 64.55 | 64.55 |" in scorer_table([CHECK])
    assert "| settle | 2 | 2 |" in choices_table(DOCUMENT)


def test_losses_count_missed_windows_and_false_positives() -> None:
    scores = np.zeros(1_000)
    scores[[300, 410]] = 2.0
    text = losses_table([shown("a.csv")], [scores], [worth_of(shown("a.csv"))], CHOICE)
    assert "| a.csv | 1 of 2 | 1 |" in text


def test_only_what_is_between_the_markers_is_replaced() -> None:
    once = with_figures(f"before\n\n{BEGIN}\n\nold\n\n{END}\n\nafter\n", ["new"])
    assert "old" not in once
    assert once.startswith("before\n")
    assert once.endswith("after\n")
    assert with_figures(once, ["new"]).count("new") == 1
    with pytest.raises(CorpusError, match="markers"):
        with_figures("no markers", ["new"])


def test_plots_are_drawn(tmp_path: Path) -> None:
    draw_comparison(DOCUMENT, tmp_path / "scores.png")
    corpus = [shown(name) for name in SHOWN]
    worths = [worth_of(series) for series in corpus]
    draw_series(corpus, [series.values + 1.0 for series in corpus], worths, 1.9, tmp_path / "series.png")
    assert all((tmp_path / name).stat().st_size > 5_000 for name in ("scores.png", "series.png"))

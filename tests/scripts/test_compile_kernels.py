"""Kernels that were compiled ahead are all that a worker needs."""

import shutil
from pathlib import Path

import pytest

import tracehound.detectors
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.packed.kernels import STAMPS, compiled_kernels, compiled_stamp
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.errors import TracehoundError
from tracehound.scripts import compile_kernels as compile_kernels_module
from tracehound.scripts.compile_kernels import ReadsAsAWorker, compile_kernels, compile_once
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.trial import course_of_faults, run_trial


def test_nothing_is_left_to_compile_for_a_worker() -> None:
    compile_kernels()
    compiled = compiled_kernels()
    assert sum(map(bool, compiled.values())) > 20
    scorer = Scorer(DetectionSettings(), InlineFitter())
    run_trial(
        ReadsAsAWorker(scorer), course_of_faults(build_system(seed=5, messages=True), 5, 60.0, 1_767_225_600.0, 900.0)
    )
    assert compiled_kernels() == compiled


def test_it_is_remembered_that_they_are_compiled() -> None:
    compile_once()
    stamp = compiled_stamp()

    assert stamp is not None
    assert stamp.exists()
    assert compile_once() == "The kernels are compiled."


def test_what_was_remembered_of_other_sources_is_forgotten() -> None:
    stamp = compiled_stamp()
    assert stamp is not None
    earlier = stamp.with_stem(f"{STAMPS}earlier")
    earlier.touch()

    compile_once(again=True)

    assert list(stamp.parent.glob(f"{STAMPS}*.compiled")) == [stamp]


def test_other_sources_are_not_compiled_yet(tmp_path: Path) -> None:
    (folder,) = tracehound.detectors.__path__
    copy = Path(shutil.copytree(folder, tmp_path / "detectors", ignore=shutil.ignore_patterns("__pycache__")))
    now, same = compiled_stamp(), compiled_stamp(copy)
    inlined = tmp_path / "changed" / "packed" / "reference.py"
    shutil.copytree(copy, tmp_path / "changed")
    inlined.write_text(inlined.read_text() + "\n")

    assert same == now
    assert compiled_stamp(tmp_path / "changed") != same


def test_a_cache_that_cannot_be_written_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(compile_kernels_module, "compiled_stamp", lambda: tmp_path / "file" / "stamp")

    with pytest.raises(TracehoundError, match="name a folder that can be written by NUMBA_CACHE_DIR"):
        compile_once()

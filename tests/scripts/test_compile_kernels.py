"""Kernels that were compiled ahead are all that a worker needs."""

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.packed.kernels import compiled_kernels
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.scripts.compile_kernels import ReadsAsAWorker, compile_kernels
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.trial import course_of_faults, run_trial


def test_nothing_is_left_to_compile_for_a_worker() -> None:
    compile_kernels()
    compiled = compiled_kernels()
    assert sum(map(bool, compiled.values())) > 20
    scorer = Scorer(DetectionSettings(), InlineFitter())
    run_trial(ReadsAsAWorker(scorer), course_of_faults(build_system(seed=5), 5, 60.0, 1_767_225_600.0, 900.0))
    assert compiled_kernels() == compiled

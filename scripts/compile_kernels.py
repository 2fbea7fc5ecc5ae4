"""Compiles the kernels of the detectors ahead of the first worker, which otherwise does it for most of a minute."""

import time

from detectors.fitting import InlineFitter
from detectors.kernels import compiled_kernels
from detectors.registry import EXTRA_DETECTORS
from detectors.scoring import Scorer
from detectors.settings import DetectionSettings
from scripts.simulator.applications import build_system
from scripts.simulator.faults import SCENARIOS
from scripts.simulator.trial import course_of_faults, run_trial

RATE = 20.0
HISTORY_S = 300.0


def compile_kernels() -> None:
    """Run every detector over half a simulated hour with faults; numba keeps what it compiles in files that later
    processes load.
    """
    settings = DetectionSettings(first_refit=100, refit_delay=64, extra_detectors=tuple(EXTRA_DETECTORS))
    scorer = Scorer(settings, InlineFitter())
    run_trial(scorer, course_of_faults(build_system(), 1, RATE, 1_767_225_600.0, HISTORY_S, SCENARIOS))
    for application in scorer.applications():
        scorer.restore(scorer.snapshot(application))


def main() -> None:
    """Compile, and say how many kernels there are now."""
    begun_s = time.perf_counter()
    compile_kernels()
    compiled = sum(map(bool, compiled_kernels().values()))
    print(f"{compiled} kernels are compiled, after {time.perf_counter() - begun_s:.0f} s.")


if __name__ == "__main__":
    main()

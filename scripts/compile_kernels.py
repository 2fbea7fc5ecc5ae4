"""Compiles the kernels of the detectors ahead of the first worker, which otherwise does it for most of a minute."""

import math
import time
from collections.abc import Sequence

from tracehound.detectors.columns.read_segments import read_records
from tracehound.detectors.ensemble.registry import EXTRA_DETECTORS
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.packed.kernels import compiled_kernels
from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.codec import Limits, encode
from tracehound.schemas.execution import Execution
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.faults import SCENARIOS
from tracehound.scripts.simulator.trial import course_of_faults, run_trial

RATE = 20.0
HISTORY_S = 300.0


class ReadsAsAWorker:
    """A scorer that is given executions as a worker reads them from their JSON."""

    def __init__(self, scorer: Scorer) -> None:
        self.judge_silence = scorer.judge_silence
        self.applications = scorer.applications
        self._scorer = scorer

    def score(self, executions: Sequence[Execution]) -> ScoredBatch:
        """Score, then learn, in order."""
        read = read_records([encode(execution) for execution in executions], Limits(), math.inf)
        if read is None:
            raise RuntimeError("Executions of the simulator must be read together.")
        return self._scorer.score(read[0])


def compile_kernels() -> None:
    """Run every detector over half a simulated hour with faults; numba keeps what it compiles in files that later
    processes load.
    """
    settings = DetectionSettings(first_refit=100, refit_delay=64, extra_detectors=tuple(EXTRA_DETECTORS))
    scorer = Scorer(settings, InlineFitter())
    run_trial(ReadsAsAWorker(scorer), course_of_faults(build_system(), 1, RATE, 1_767_225_600.0, HISTORY_S, SCENARIOS))
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

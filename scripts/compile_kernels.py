"""Compiles the kernels of the detectors ahead of the first worker, which otherwise does it for most of a minute."""

import fcntl
import math
import sys
import time
from collections.abc import Sequence

import numpy as np
from aiokafka import ConsumerRecord

from tracehound.detectors.columns.byte_words import PADDING
from tracehound.detectors.columns.read_records import BATCH, PLACES, read_records
from tracehound.detectors.columns.read_segments import read_segments
from tracehound.detectors.columns.read_spans import SpanReader
from tracehound.detectors.ensemble.registry import EXTRA_DETECTORS
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.packed.kernels import STAMPS, compiled_kernels, compiled_stamp
from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.codec import encode
from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.execution import Execution
from tracehound.schemas.execution_rules import Limits
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.faults import SCENARIOS
from tracehound.scripts.simulator.trial import course_of_faults, run_trial
from tracehound.streams.delivery.alike_letters import AlikeLetters
from tracehound.streams.envelopes.short_values import REFUSED, ShortValues
from tracehound.streams.intake.columned.one_trace import join_one_trace
from tracehound.streams.intake.formats.otlp.packer import Packing, SpanPacker
from tracehound.streams.kafka.columned_records import ColumnedRecords
from tracehound.streams.kafka.origin_columns import OriginReader
from tracehound.streams.scoring.read_columns import ColumnReader

RATE = 20.0
HISTORY_S = 300.0


class ReadsAsAWorker:
    """A scorer that is given executions as a worker reads them from their JSON."""

    def __init__(self, scorer: Scorer) -> None:
        self.judge_silence = scorer.judge_silence
        self.applications = scorer.applications
        self._scorer, self._reader = scorer, ColumnReader(Limits())

    def score(self, executions: Sequence[Execution]) -> ScoredBatch:
        """Score, then learn, in order."""
        read = self._reader.read([encode(execution) for execution in executions], math.inf)
        if read is None:
            raise RuntimeError("Executions of the simulator must be read together.")
        return self._scorer.score(read.executions)


def compile_kernels() -> None:
    """Run every detector over half a simulated hour with faults; numba keeps what it compiles in files that later
    processes load.
    """
    settings = DetectionSettings(first_refit=100, refit_delay=64, extra_detectors=tuple(EXTRA_DETECTORS))
    scorer = Scorer(settings, InlineFitter())
    run_trial(ReadsAsAWorker(scorer), course_of_faults(build_system(), 1, RATE, 1_767_225_600.0, HISTORY_S, SCENARIOS))
    scorer.score(_one_operation_stops())
    for application in scorer.applications():
        scorer.restore(scorer.snapshot(application))
    read = SpanReader({}).read(b"", most=0)  # as intake does
    if read is not None:
        SpanPacker().pack(read, [], Packing(read.ids))
    join_one_trace()
    read_segments([], most=0)  # as where the kernel of executions leaves some
    _read_fetched()


def _read_fetched() -> None:
    """Read records as a worker does that were fetched, and their headers."""
    none = (np.zeros((0, BATCH), np.int64), np.zeros(1, np.int64), np.zeros((0, PLACES), np.int64))
    read_records(np.frombuffer(bytearray(PADDING), np.uint8), *none)
    record = ConsumerRecord("", 0, 0, 0, 0, None, b"{}", None, -1, 2, (("name", b"value"),))
    records = ColumnedRecords.of([record])
    OriginReader((), 1).read(records)
    ColumnReader(Limits()).read_placed(records.values, math.inf)
    ShortValues(framed=False).sort_out(records.text, records.places, np.ones(1, np.bool_))
    for refused in REFUSED.values():
        list(AlikeLetters(records, refused).outgoing("").written(1, 1))


def _one_operation_stops() -> list[Execution]:
    """What the simulator's operations do not do within its half hour, and a worker meets: one is silent while another
    goes on.
    """
    return [
        *(Execution("compiled", "stops", float(second), 50.0, kind="request") for second in range(60)),
        *(Execution("compiled", "goes on", float(second), 50.0, kind="request") for second in range(60, 600)),
    ]


def compile_once(again: bool = False) -> str:
    """Compile what is not compiled yet, one process at a time, and leave a stamp; returns a sentence that says so.

    Parameters:
        again: run all of it even where the stamp says that it was done.

    Raises:
        TracehoundError: numba's cache cannot be written.
    """
    stamp = compiled_stamp()
    if stamp is None:
        return "Kernels are not kept here: NUMBA_DISABLE_JIT is set, or no folder can be written to (NUMBA_CACHE_DIR)."
    try:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        with (stamp.parent / f"{STAMPS}lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # of several that start at once, the others find it done
            if stamp.exists() and not again:
                return "The kernels are compiled."
            begun_s = time.perf_counter()
            compile_kernels()
            for other in stamp.parent.glob(f"{STAMPS}*.compiled"):
                other.unlink()  # what it tells of was removed when these were kept
            stamp.touch()
    except OSError as error:
        raise TracehoundError(
            f"The compiled kernels cannot be kept in {stamp.parent} ({error.strerror or error}): name a folder that "
            "can be written by NUMBA_CACHE_DIR."
        ) from error
    compiled = sum(map(bool, compiled_kernels().values()))
    return f"{compiled} kernels are compiled, after {time.perf_counter() - begun_s:.0f} s."


def main() -> None:
    """Compile, and say how many kernels there are now."""
    try:
        print(compile_once(again="--again" in sys.argv[1:]))
    except TracehoundError as error:
        sys.exit(f"tracehound: {error}")


if __name__ == "__main__":
    main()

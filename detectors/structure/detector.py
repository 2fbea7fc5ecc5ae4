"""The structure detector: sets of call paths never seen, paths missing, too many of a path, too much time in one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.features.paths import Paths
from tracehound.detectors.packed.fields import RecordField
from tracehound.detectors.packed.stored_columns import RestoredTogether
from tracehound.detectors.structure import snapshot as structure_snapshot
from tracehound.detectors.structure.kernel import FOLDED, ROW, RULES, run
from tracehound.detectors.structure.renewal import start
from tracehound.detectors.structure.state import ENTRY, INDEX_PER_ENTRY, OPERATION, StructureState


@dataclass(frozen=True, slots=True)
class StructureJudgement:
    """What the structure of n executions says: ``rows`` (n,) are records, and each of their fields is an array (n,).

    ``score`` is −log10 of the false-alarm probability of the execution given its operation, already corrected for
    how many paths were asked; ``novelty`` its part by set, ``excess`` by time and ``count_excess`` by counts.
    ``culprit`` is the path that contributes most (0 for none), ``typical`` and ``actual`` its count, or its time in
    ms where ``about`` is time, ``high`` what few executions exceeded of these. ``certainty`` is −log10 of the
    probability that as many executions in a row lack a path that none lacked before (see ``structure.lacking``).
    ``about``: 0 nothing, 1 a set never or rarely seen, 2 a new path, 3 a path missing, 4 count, 5 time. ``warming``:
    the operation has no reference yet, and the score is 0. ``remembered``: the execution brought a path into what is
    learned, so the names of its paths are worth keeping.
    """

    rows: NDArray[np.void]

    score = RecordField[Floats]()
    novelty = RecordField[Floats]()
    excess = RecordField[Floats]()
    count_excess = RecordField[Floats]()
    culprit = RecordField[NDArray[np.int64]]()
    typical = RecordField[Floats]()
    actual = RecordField[Floats]()
    high = RecordField[Floats]()
    certainty = RecordField[Floats]()
    about = RecordField[NDArray[np.int8]]()
    warming = RecordField[Flags]()
    remembered = RecordField[Flags]()


class Structure(RestoredTogether):
    """Frozen −log10 probabilities of an execution's set of paths, of their counts and of their times, for many keys.

    *Novelty*: a known set's probability is that of all sets that are at most as frequent; an unknown set's is
    Good and Turing's (the share of executions whose set came once), made smaller by the most constant path it
    lacks, by a new path, and by the root of how many paths differ. *Excess*: each path's time against Hill's
    estimate of its own tail, drawn towards the tail shared by the operation's paths, so that a path that has not
    been slow yet may once be; counts likewise. Two statistics of all paths, the mean of the inverse
    probabilities (harmonic mean p; of very many paths the duration counts as much as all others together) and the sum
    of the small ones' logarithms, are held against what the operation's own executions gave when they were judged, so
    the number of paths and their dependence are accounted for.

    Judged is against a frozen reference, renewed each time the operation has learned a quarter more (from
    ``warm_up`` to 3,840 executions, then afresh every 4,800 to 15,360), so that a slow fault does not creep in.
    *Gate*: an execution that scores ``gate_score`` is not learned, except a few per thousand, capped, as chance
    would have it. While more than 15 % of recent executions score above 1.5 nothing is learned; that becomes a new
    normal after ``patience_s`` of event time where nearly all deviate strongly or hardly any do (a release, a
    drift), and after 144 times as much where some do and others do not (a fault).

    Assumes that executions of one operation are exchangeable and that the first ``warm_up`` are normal. Fails where
    every execution has a set of its own (then only paths and amounts count), and for faults that leave the times of
    all paths within what chance does: that is for charts over many executions. More than ``paths_per_operation``
    different paths share one; sets beyond ``sets_per_operation`` are taken together.

    Parameters: ``warm_up`` executions before it judges; the rest as above.

    Source: I. J. Good, Biometrika 40 (1953); B. M. Hill, Annals of Statistics 3 (1975); D. J. Wilson, PNAS 116
    (2019) for the harmonic mean p.

    >>> from tracehound.detectors.features.paths import paths_of
    >>> from tracehound.schemas.execution import Execution, Segment
    >>> def cart(queries: int) -> Execution:
    ...     return Execution("shop", "GET /cart", 0.0, 20.0, segments=[Segment("SELECT", 2.0)] * queries)
    >>> structure = Structure(warm_up=60)
    >>> structure.open(0, seed=1)
    >>> normal, slots = paths_of([cart(1)] * 500), np.zeros(500, np.int64)
    >>> judged = structure.judge_then_learn(slots, normal, np.arange(500.0), np.ones(500, np.bool_))
    >>> judged = structure.judge(slots[:3], paths_of([cart(1), cart(0), cart(40)]))
    >>> (judged.score > 3).tolist(), judged.about.tolist(), judged.typical.tolist(), judged.actual.tolist()
    ([False, True, True], [0, 3, 4], [0.0, 1.0, 1.0], [0.0, 0.0, 40.0])
    """

    def __init__(
        self,
        warm_up: int,
        gate_score: float = 3.5,
        patience_s: float = 600.0,
        paths_per_operation: int = 384,
        sets_per_operation: int = 64,
    ) -> None:
        self.warm_up = warm_up
        self._rules = np.array([(warm_up, gate_score, patience_s, paths_per_operation, sets_per_operation)], RULES)
        self._state = StructureState()

    def open(self, slot: int, seed: int) -> None:  # noqa: ARG002 - the same for every bank
        """Start afresh for the operation in ``slot``. Nothing here is random: ``seed`` has no effect."""
        self._state.open(slot)
        start(self._state.operations[slot : slot + 1], self.warm_up)

    def judge(self, slots: Slots, paths: Paths) -> StructureJudgement:
        """Judge n executions as if each came next for its slot. Changes nothing."""
        n = len(slots)
        return self._run(slots, paths, np.zeros(n), np.zeros(n, np.bool_), np.zeros(n), remember=False)

    def judge_then_learn(
        self, slots: Slots, paths: Paths, times: Floats, learn: Flags, patience_s: Floats | None = None
    ) -> StructureJudgement:
        """Judge each execution at its time (epoch seconds), then learn it where ``learn`` and the gate allow it.

        ``patience_s`` (n,) seconds after which a lasting disturbance is the new normal, where it is another than usual.
        """
        usual = np.full(len(slots), self._rules[0]["patience_s"])
        return self._run(slots, paths, times, learn, usual if patience_s is None else patience_s, remember=True)

    def _run(
        self, slots: Slots, paths: Paths, times: Floats, learn: Flags, patience_s: Floats, remember: bool
    ) -> StructureJudgement:
        state, n, done = self._state, len(slots), 0
        out = np.zeros(n, ROW)
        longest = int(np.diff(paths.starts).max()) if n else 0
        folded = np.zeros(longest + 1, FOLDED)
        while done < n:
            done = run(
                *(done, slots, paths.starts, paths.entries),
                *(times, learn, patience_s, self._rules),
                *((state.operations, state.entries, state.index, state.free), folded, remember, out),
            )
            if done < n:
                state.reserve(longest + 2)
        return StructureJudgement(out)

    def known(self, slot: int) -> int:
        """Executions that the frozen reference was taken from; 0 while warming."""
        return int(self._state.operations[slot]["known"])

    def snapshot(self, slot: int) -> State:
        """A copy of the operation's complete state."""
        return structure_snapshot.take(self._state, slot)

    def restore_many(self, slots: Slots, states: Sequence[Mapping[str, Any]]) -> None:
        """Replace the states of operations."""
        rules = self._rules[0]
        structure_snapshot.put(self._state, slots, states, int(rules["paths"]) + 1, int(rules["sets"]))

    def nbytes(self) -> int:
        """Bytes that all operations take, with what is kept free for the next."""
        state = self._state
        return int(state.operations.nbytes + state.entries.nbytes + state.index.nbytes)

    def nbytes_of(self, slot: int) -> int:
        """Bytes that one operation takes."""
        return self._bytes(len(self._state.numbers(slot)))

    def ceiling_bytes(self) -> int:
        """Bytes that one operation takes at most."""
        rules = self._rules[0]
        return self._bytes(int(rules["paths"]) + 1 + int(rules["sets"]))

    @staticmethod
    def _bytes(entries: int) -> int:
        return int(OPERATION.itemsize + entries * (ENTRY.itemsize + INDEX_PER_ENTRY))

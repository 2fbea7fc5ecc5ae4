"""How certain it is that executions have lost a path that none lacked before: the likelihood of so many in a row."""

import math
from typing import Any, Final

import numpy as np

from tracehound.detectors.bank import Floats
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN
from tracehound.detectors.structure.state import NOTHING, find

CERTAIN: Final = 5.9
"""−log10 of the probability from which a path is lost for certain: three in a row where none of 1,000 lacked it."""
CERTAIN_SIGMA: Final = 16.0
"""What a certain loss counts, in sigma of a change of structure: below what alarms always, so that where they are usual
they do not alarm."""
DEPENDENCE: Final = 0.5
"""What each further execution in a row counts for, where an independent one counts 1: what is rare comes together."""


def sigma_of_certain(certainty: Floats, errors: Floats) -> Floats:
    """Sigma (n,) of executions whose loss is certain, 0 of others, and of those that failed, which ends them early."""
    return np.where((certainty >= CERTAIN) & (errors == 0.0), CERTAIN_SIGMA, 0.0)


@njit(**LEAN)
def count_lacking(slot: int, missing: int, memory: Any) -> Any:
    """Count the executions in a row that lack one path; return −log10 of the probability of so many, or 0.

    ``missing`` is the entry of the most surprising path that the execution at hand lacks; one that has a path instead
    that is new has taken another course, and lost nothing. Of n executions none lacked it: by the rule of succession
    the next one does with probability 1 / (n + 1).
    """
    operation, entries = memory.operations[slot], memory.entries
    if missing == NOTHING:
        operation.lacking = 0
        return 0.0
    if operation.lacking > 0:
        lacked = find(memory, slot, operation.lacked)
        if lacked == NOTHING or entries[lacked].seen == memory.free[2]:
            operation.lacking = 0
    if operation.lacking == 0:
        one = entries[missing]
        if one.known < operation.known or one.learned < operation.learned:
            return 0.0
        operation.lacked, operation.lacked_of = one.key, max(operation.known, operation.learned)
    operation.lacking += 1
    return (1.0 + DEPENDENCE * (operation.lacking - 1)) * math.log10(operation.lacked_of + 1.0)

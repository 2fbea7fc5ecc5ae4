"""Copies bytes within kernels that write texts."""

from typing import Any

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN


@njit(**LEAN)
def copied_bytes(output: Any, at: Any, given: Any, begin: Any, end: Any) -> Any:
    """Copies the bytes [``begin``, ``end``) of ``given`` to ``at`` in ``output``; returns what follows them there."""
    for place in range(begin, end):
        output[at + place - begin] = given[place]
    return at + end - begin

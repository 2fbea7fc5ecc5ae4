"""How kernels are compiled that make no arrays."""

from typing import Any, Final

LEAN: Final[dict[str, Any]] = {"cache": True, "_nrt": False}
"""Without counting references to the arrays that a kernel is given, which its caller keeps anyway. numba counts them
at each call of one kernel by another, atomically: two thirds of the time of reading text, a fifth of that of structure.
The compiler refuses a kernel that makes arrays, also where a lean one calls it and it does not say ``_nrt=True``."""

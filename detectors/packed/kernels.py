"""What numba has compiled of the detectors: in this process, and in its cache for later ones."""

import hashlib
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numba
from llvmlite import binding  # type: ignore[import-untyped]
from numba.core.dispatcher import Dispatcher

from tracehound.detectors.packed import reference

STAMPS = f"kernels-{sys.implementation.cache_tag}-"
"""What the names of stamps of this version of Python begin with."""
_SOURCES = Path(__file__).parents[1]


def compiled_kernels() -> dict[str, list[Any]]:
    """For every compiled function of the detectors that have been imported, by module and name: its signatures.

    Those that only other kernels call have none of their own.
    """
    modules = [module for name, module in sys.modules.items() if name.startswith("tracehound.detectors.")]
    return {
        f"{kernel.py_func.__module__}.{kernel.py_func.__qualname__}": list(kernel.signatures)
        for module in modules
        for kernel in vars(module).values()
        if isinstance(kernel, Dispatcher)
    }


@cache
def compiled_stamp(sources: Path = _SOURCES) -> Path | None:
    """The file that says that the kernels of these sources are in numba's cache, for this kind of processor.

    It lies beside what numba keeps, so that who removes that removes it too. ``compile_kernels`` writes it; a worker
    that does not find it has most of a minute of compiling ahead. None where nothing is kept: numba is told not to
    compile at all (NUMBA_DISABLE_JIT), or no folder can be written to.
    """
    folder = next((one.stats.cache_path for one in vars(reference).values() if isinstance(one, Dispatcher)), None)
    if folder is None:
        return None
    digest = hashlib.blake2b(digest_size=16)
    for source in sorted(sources.rglob("*.py")):
        digest.update(source.read_bytes() + b"\0")
    features = binding.get_host_cpu_features().flatten()
    for part in (numba.__version__, sys.version, binding.get_host_cpu_name(), features):
        digest.update(part.encode() + b"\0")
    return Path(folder) / f"{STAMPS}{digest.hexdigest()}.compiled"

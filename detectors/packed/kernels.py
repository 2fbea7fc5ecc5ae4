"""What numba has compiled of the detectors in this process."""

import sys
from typing import Any

from numba.core.dispatcher import Dispatcher


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

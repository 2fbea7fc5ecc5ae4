"""What every long-running process of ours is: how it ends, and how its garbage collector is set."""

import ctypes
import gc

EXIT_CLEAN = 0
EXIT_FAILED = 1
EXIT_MISCONFIGURED = 2

# A run decodes to some 20,000 objects that live for milliseconds; with the default of 700 the collector walks
# them again and again (measured: 72,000 executions/s, 111,000 with these thresholds and a frozen start).
GC_THRESHOLDS = (100_000, 20, 50)

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as malloc.h numbers them
_LARGEST_KEPT, _MOST_KEPT = 33_554_432, 67_108_864


def collect_seldom() -> None:
    """Have the garbage collector look when very many objects have come; call it before the process starts its work."""
    gc.set_threshold(*GC_THRESHOLDS)


def keep_freed_memory() -> None:
    """Have blocks of up to 32 MB made of memory that was freed, of which 64 MB are kept; call it before work starts.

    A run takes megabytes of arrays that live for milliseconds. glibc begins by giving each of them back to the kernel
    and taking the next one anew, page by page (measured: a third of reading). These are the bounds to which it moves by
    itself once a block of 32 MB was freed. Where the C library is another one, nothing changes.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_MMAP_THRESHOLD, _LARGEST_KEPT)
        set_option(_TRIM_THRESHOLD, _MOST_KEPT)


def give_back_freed_memory() -> None:
    """Give back to the kernel every page of memory that was freed, wherever it lies; call it seldom, between runs.

    The bounds above hold for what lies at the end of a heap. What lies below a block that is in use is kept without a
    bound, and for each thread apart. Where the C library is another one, nothing changes.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def keep_what_is_there() -> None:
    """Have the garbage collector pass over what is there now: call it when the process has started.

    What was imported is a hundred thousand objects, and to walk them stops everything for tens of milliseconds.
    """
    gc.collect()
    gc.freeze()

"""What every long-running process of ours is: how it ends, and how its garbage collector is set."""

import gc

EXIT_CLEAN = 0
EXIT_FAILED = 1
EXIT_MISCONFIGURED = 2

# A run decodes to some 20,000 objects that live for milliseconds; with the default of 700 the collector walks
# them again and again (measured: 72,000 executions/s, 111,000 with these thresholds and a frozen start).
GC_THRESHOLDS = (100_000, 20, 50)


def collect_seldom() -> None:
    """Have the garbage collector look when very many objects have come; call it before the process starts its work."""
    gc.set_threshold(*GC_THRESHOLDS)


def keep_what_is_there() -> None:
    """Have the garbage collector pass over what is there now: call it when the process has started.

    What was imported is a hundred thousand objects, and to walk them stops everything for tens of milliseconds.
    """
    gc.collect()
    gc.freeze()

"""Stories one after the other, as one process of several tells them."""

import gc

from tests.simulation.story import PLAYS, Outcome, tell


def tell_some(seeds: range, only: str | None) -> list[Outcome]:
    """The bad ones of some stories."""
    names = [only] if only else list(PLAYS)
    found = [outcome for seed in seeds if (outcome := tell(seed, names[seed % len(names)])).problems]
    for _ in range(2):  # the first closes coroutines of killed processes, and only then their frames can go
        gc.collect()
    return found

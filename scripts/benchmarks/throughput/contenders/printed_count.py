"""How a contender says how far it is: the number of executions it is done with, on standard output."""

import os
import threading
import time

INTERVAL_S = 0.05


class PrintedCount:
    """A count that a thread prints as it is, again and again; add to ``done`` in one thread only."""

    def __init__(self) -> None:
        self.done = 0

    def start(self) -> None:
        """Print from now on, until the process ends."""
        threading.Thread(target=self._print, daemon=True).start()

    def _print(self) -> None:
        while True:
            os.write(1, b"%d\n" % self.done)  # past what a framework may have made of standard output
            time.sleep(INTERVAL_S)

"""Ask the service again and again, at random moments: visitors.py [requests per second] [seconds]."""

import contextlib
import os
import random
import sys
import threading
import time
import urllib.error
import urllib.request

URL = os.environ.get("SERVICE", "http://127.0.0.1:8000") + "/random"


def ask() -> None:
    """One visitor; what fails is the service's own affair."""
    with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(URL, timeout=30) as answer:  # noqa: S310
        answer.read()


per_s, seconds = float(sys.argv[1]) if sys.argv[1:] else 5.0, float(sys.argv[2]) if sys.argv[2:] else 600.0
until = time.monotonic() + seconds
while time.monotonic() < until:
    time.sleep(random.expovariate(per_s))
    threading.Thread(target=ask).start()

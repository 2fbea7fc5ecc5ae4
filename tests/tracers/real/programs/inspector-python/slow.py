"""Transactions of Inspector's client for Python with a fast query, and with a slow one once a line was read."""

import os
import sys
import threading
import time

from inspector import Configuration, Inspector
from inspector.transports import SyncTransport

SyncTransport.PORT = int(os.environ["PORT"])  # it knows no other than 443


def transactions(query_s: float) -> None:
    for _ in range(10):
        inspector = Inspector(Configuration(os.environ["KEY"]).set_url("localhost"))  # one that sent records no more
        inspector.start_transaction("GET /cart", "request").set_result("200")
        segment = inspector.start_segment("pgsql", "SELECT cart")
        time.sleep(query_s)
        segment.end()
        inspector.flush()


slow = threading.Event()
threading.Thread(target=lambda: sys.stdin.readline() and slow.set(), daemon=True).start()
while True:  # in processes of their own: each sends all of its transactions again with each
    if not os.fork():
        transactions(0.2 if slow.is_set() else 0.003)
        os._exit(0)
    os.wait()

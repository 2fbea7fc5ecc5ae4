"""Two transactions of Inspector's client for Python, sent to PORT of localhost with KEY; TRANSPORT is its setting."""

import os
import time

from inspector import Configuration, Inspector
from inspector.transports import AsyncTransport, SyncTransport

AsyncTransport.PORT = SyncTransport.PORT = int(os.environ["PORT"])  # it knows no other than 443


def inspector() -> Inspector:
    """Another one for each transaction: one that has sent cannot record again."""
    configuration = Configuration(os.environ["KEY"]).set_url("localhost")
    if os.environ.get("TRANSPORT"):
        configuration.set_transport(os.environ["TRANSPORT"])
    return Inspector(configuration)


first = inspector()
first.start_transaction("GET /cart", "request").set_result("200")
segment = first.start_segment("pgsql", "SELECT cart")
time.sleep(0.03)
segment.end()
first.start_segment("process", "never ended")
first.flush()

second = inspector()
second.start_transaction("nightly").set_result("error")
segment = second.start_segment("process", "count")
time.sleep(0.01)
segment.end()
try:
    raise TypeError("no such shelf")
except TypeError as error:
    second.report_exception(error, handled=False)
second.flush()

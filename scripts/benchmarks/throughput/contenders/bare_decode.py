"""Contender: a confluent-kafka consumer that decodes and checks executions with our codec: as fast as it can get.

Run as ``python -m tracehound.scripts.benchmarks.throughput.contenders.bare_decode BOOTSTRAP TOPIC GROUP``.
"""

import sys

from tracehound.scripts.benchmarks.throughput.contenders.bare_consumer import decoded_batches
from tracehound.scripts.benchmarks.throughput.contenders.printed_count import PrintedCount

if __name__ == "__main__":
    counted = PrintedCount()
    counted.start()
    for executions in decoded_batches(*sys.argv[1:]):
        counted.done += len(executions)

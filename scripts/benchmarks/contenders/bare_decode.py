"""Contender: a confluent-kafka consumer that decodes and checks executions with our codec: as fast as it can get.

Run as ``python -m scripts.benchmarks.contenders.bare_decode BOOTSTRAP TOPIC GROUP``.
"""

import sys

from scripts.benchmarks.contenders.bare_consumer import decoded_batches
from scripts.benchmarks.contenders.printed_count import PrintedCount

if __name__ == "__main__":
    counted = PrintedCount()
    counted.start()
    for executions in decoded_batches(*sys.argv[1:]):
        counted.done += len(executions)

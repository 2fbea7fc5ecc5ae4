"""A batch of records that stand written already, for aiokafka's producer."""

from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy


class WrittenBatch(BatchBuilder):
    """Takes nothing more; what is before the records is aiokafka's.

    Parameters:
        records: one after the other, as a batch holds them (format of version 2), all at its first timestamp.
        count: how many there are.
        timestamp_ms: that timestamp, epoch milliseconds.
    """

    def __init__(self, records: memoryview, count: int, timestamp_ms: int) -> None:
        super().__init__(len(records), 0)
        builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, 0, len(records))
        builder._buffer += records
        builder._first_timestamp = builder._max_timestamp = timestamp_ms
        builder._num_records, builder._last_offset = count, count - 1
        self._builder, self._relative_offset = builder, count
        self.close()

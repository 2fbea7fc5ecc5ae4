"""The reader: a consumer of the output topics that writes rows and offsets in one transaction.

``writers/`` knows what a record of each topic is in rows, ``store_batch.py`` writes a batch, ``positions.py`` says
where reading goes on, ``kafka_source.py`` reads, ``turn.py`` lets one console of several read, and ``reader.py``
repeats all that until it is stopped.
"""

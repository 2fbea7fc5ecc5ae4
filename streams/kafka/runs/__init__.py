"""Reading Kafka in runs: one event for each fetched run of a partition; everything else is stock Faust.

Stock Faust spends some 80 µs on each message. Here a *run* (all records of one partition that one fetch
returned, in order) is one event, and the rest of Faust (group, rebalances, commits, tables, timers) is kept.

What this package promises:

- Between two seeks, every record of a partition is handed over exactly once and in order. Records that were
  fetched but could not be handed over (a pause, a rebalance, a seek) are fetched again.
- The commit position is the last record of the leading acknowledged runs, plus one. Gaps in offsets (control
  records, compaction) do not matter to it.
- ``Run.ack`` counts only while the run is outstanding: after a rebalance or seek its records come again.
- Before partitions are revoked, and before the app stops, ``RunListener.finish_runs`` is awaited and what it
  acknowledged is committed.
- An offset out of range (retention passed us, the topic was made anew) is announced, never skipped silently.
- A fetcher that no longer asks for a partition shows in ``RunConsumer.unheard_s``.

Written against faust-streaming 0.15.3 and aiokafka 0.14, whose private names it overrides.
"""

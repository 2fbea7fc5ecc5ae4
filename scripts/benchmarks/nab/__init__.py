"""The golden-signal detector on the Numenta Anomaly Benchmark, with that benchmark's own scoring."""

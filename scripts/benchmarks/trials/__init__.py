"""The detectors on simulated systems with faults of random size."""

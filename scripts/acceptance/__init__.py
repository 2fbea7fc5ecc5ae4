"""Is the detector any good on somebody's own data: the checks of the Failure Detection Evaluation Specification.

FDES v1.0.0-draft (github.com/mateenali66/failure-detection-evaluation-spec): a detector must beat one that flags
everything (sections 2, 7, 8b), its scores must order better than chance (6, 8a), and the verdict must not turn on how
time is cut into buckets. Written from what the specification and its published reports say.
"""

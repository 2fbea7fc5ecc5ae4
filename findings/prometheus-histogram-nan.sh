#!/usr/bin/env bash
# One NaN ends a Prometheus histogram's sum for ever, and is not among its counts.
#
# version:  prometheus-client 0.26.0 (Python)
# expected: NaN is refused, or counted like any other observation (in the bucket +Inf), so that averages and counts
#           stay consistent.
# is:       the observation is in no bucket, not even +Inf, and not in _count; _sum is NaN from then on, so every
#           average over the life of the process is NaN, and nothing says which observation it was.
# seen:     h_bucket{le="+Inf"} 2.0
#           h_count 2.0
#           h_sum NaN
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
timeout 300 "$work/venv/bin/pip" install -q --no-compile prometheus-client==0.26.0
timeout 60 "$work/venv/bin/python" - <<'PY'
import sys

from prometheus_client import CollectorRegistry, Histogram, generate_latest

registry = CollectorRegistry()
histogram = Histogram("h", "scores", registry=registry, buckets=(1, 2))
for score in (1.0, float("nan"), 1.5):
    histogram.observe(score)
told = [line for line in generate_latest(registry).decode().splitlines() if line.startswith("h_")]
wanted = ['h_bucket{le="+Inf"} 2.0', "h_count 2.0", "h_sum NaN"]
print("\n".join(line for line in told if line.startswith(('h_bucket{le="+Inf"', "h_count", "h_sum"))))
sys.exit(0 if set(wanted) <= set(told) else 1)
PY

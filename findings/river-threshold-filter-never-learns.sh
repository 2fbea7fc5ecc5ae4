#!/usr/bin/env bash
# River's ThresholdFilter with protect_anomaly_detector=False never lets its detector learn.
#
# version:  river 0.26.1
# expected: False means that the detector learns from everything, what it finds anomalous included; so it is with
#           QuantileFilter.
# is:       with False the detector behind a ThresholdFilter learns from nothing at all, and a half-space trees detector
#           stays at the score 0. With True it learns.
# seen:     ThresholdFilter, protect=True:  learned 100 of 100
#           ThresholdFilter, protect=False: learned 0 of 100
#           QuantileFilter, protect=False:  learned 100 of 100
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
timeout 300 "$work/venv/bin/pip" install -q --no-compile river==0.26.1
timeout 60 "$work/venv/bin/python" - <<'PY'
import sys

from river import anomaly


class Counting(anomaly.HalfSpaceTrees):
    learned = 0

    def learn_one(self, x):
        self.learned += 1
        super().learn_one(x)


def learned(kind, protect, **limit):
    detector = Counting(window_size=10, seed=1)
    wrapped = kind(detector, protect_anomaly_detector=protect, **limit)
    for number in range(100):
        wrapped.learn_one({"a": number / 100})
    print(f"{kind.__name__}, protect={protect}: learned {detector.learned} of 100")
    return detector.learned


protected = learned(anomaly.ThresholdFilter, True, threshold=2.0)
free = learned(anomaly.ThresholdFilter, False, threshold=2.0)
quantile = learned(anomaly.QuantileFilter, False, q=0.9)
sys.exit(0 if (protected, free, quantile) == (100, 0, 100) else 1)
PY

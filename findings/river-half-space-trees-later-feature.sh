#!/usr/bin/env bash
# River's half-space trees never look at a feature that was missing from the very first observation.
#
# version:  river 0.26.1
# expected: a feature that comes with the second observation and with every later one is learned; River's models take
#           dictionaries because features may come and go.
# is:       the trees split on the features of the first observation that was learned, for ever. An outlier in any
#           other feature has exactly the score of a typical observation, after any number of observations.
# seen:     b missing once:  typical 0.2819, outlier in b 0.2819
#           b always there:  typical 0.1533, outlier in b 0.9637
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
timeout 300 "$work/venv/bin/pip" install -q --no-compile river==0.26.1
timeout 60 "$work/venv/bin/python" - <<'PY'
import random
import sys

from river.anomaly import HalfSpaceTrees


def scores(first):
    numbers = random.Random(1)
    trees = HalfSpaceTrees(n_trees=10, height=6, window_size=100, seed=42)
    trees.learn_one(first)
    for _ in range(2000):
        trees.learn_one({"a": numbers.gauss(0.5, 0.02), "b": numbers.gauss(0.5, 0.02)})
    return trees.score_one({"a": 0.5, "b": 0.5}), trees.score_one({"a": 0.5, "b": 0.99})


once, always = scores({"a": 0.5}), scores({"a": 0.5, "b": 0.5})
print("b missing once:  typical %.4f, outlier in b %.4f" % once)
print("b always there:  typical %.4f, outlier in b %.4f" % always)
sys.exit(0 if once[0] == once[1] and always[1] > always[0] else 1)
PY

#!/usr/bin/env bash
# River's half-space trees call everything normal until their first window is full.
#
# version:  river 0.26.1
# expected: a detector that has learned 249 like observations gives a far outlier a higher score than a typical one, or
#           says that it cannot tell yet.
# is:       score_one returns 0, the lowest score there is, for every observation until window_size have been learned
#           (250 by default): nothing tells "perfectly normal" from "not ready".
# seen:     after 249: typical 0, outlier 0
#           after 250: typical 0.52, outlier 1
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
timeout 300 "$work/venv/bin/pip" install -q --no-compile river==0.26.1
timeout 60 "$work/venv/bin/python" - <<'PY'
import random
import sys

from river.anomaly import HalfSpaceTrees

typical, outlier = {"a": 0.5, "b": 0.5}, {"a": 0.99, "b": 0.01}
numbers = random.Random(1)
trees = HalfSpaceTrees(seed=1)
scores = {}
for learned in range(251):
    scores[learned] = trees.score_one(typical), trees.score_one(outlier)
    trees.learn_one({name: numbers.gauss(0.5, 0.05) for name in typical})
for learned in (249, 250):
    print(f"after {learned}: typical {scores[learned][0]:.2g}, outlier {scores[learned][1]:.2g}")
silent = all(pair == (0, 0) for learned, pair in scores.items() if learned < 250)
sys.exit(0 if silent and scores[250][1] > scores[250][0] > 0 else 1)
PY

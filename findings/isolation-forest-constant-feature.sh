#!/usr/bin/env bash
# An isolation forest is blind to a feature that never varied while it was fitted.
#
# version:  scikit-learn 1.9.1
# expected: a flag that was 0 in all of 500 rows and is 1 now (or a billion) is the most anomalous thing there can be.
# is:       no tree can split on a constant column, so the row has exactly the score of the same row with 0. One single
#           row with 1 among the 500 is enough for the forest to see it.
# seen:     never varied: 0 scores -0.4352, 1 scores -0.4352, 1e9 scores -0.4352
#           varied once:  0 scores -0.4154, 1 scores -0.8628, 1e9 scores -0.8628
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
timeout 300 "$work/venv/bin/pip" install -q --no-compile scikit-learn==1.9.1 numpy==2.4.6
timeout 60 "$work/venv/bin/python" - <<'PY'
import sys

import numpy as np
from sklearn.ensemble import IsolationForest


def scores(flags):
    rows = np.column_stack([np.random.default_rng(0).normal(size=500), flags])
    forest = IsolationForest(random_state=0, max_samples=500).fit(rows)
    return [float(score) for score in forest.score_samples([[0, 0], [0, 1], [0, 1e9]])]


never, once = scores(np.zeros(500)), scores(np.arange(500) == 0)
for name, found in (("never varied:", never), ("varied once: ", once)):
    print(name, "0 scores %.4f, 1 scores %.4f, 1e9 scores %.4f" % tuple(found))
sys.exit(0 if len(set(never)) == 1 and once[1] < once[0] else 1)
PY

#!/usr/bin/env bash
# To an isolation forest that was fitted on complete rows, a missing value is the most normal value there is.
#
# version:  scikit-learn 1.9.1
# expected: NaN in a row that is scored is refused where the forest has never seen one, or counts as unusual.
# is:       it is taken without a word, each split sends it to the side that most training rows went to, and the row
#           scores as more normal than the centre of the data and than the most normal row of the training set.
# seen:     centre -0.3851, most normal of 2000 training rows -0.3809, everything missing -0.3638
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
timeout 300 "$work/venv/bin/pip" install -q --no-compile scikit-learn==1.9.1 numpy==2.4.6
timeout 60 "$work/venv/bin/python" - <<'PY'
import sys

import numpy as np
from sklearn.ensemble import IsolationForest

rows = np.random.default_rng(0).normal(size=(2000, 4))
forest = IsolationForest(random_state=0).fit(rows)
centre, missing = forest.score_samples([[0] * 4, [np.nan] * 4])  # higher is more normal
best = forest.score_samples(rows).max()
print(f"centre {centre:.4f}, most normal of 2000 training rows {best:.4f}, everything missing {missing:.4f}")
sys.exit(0 if missing > best and missing > centre else 1)
PY

#!/usr/bin/env bash
# The cache of numba on disk keeps the old result after a function that a kernel calls was changed in another file.
#
# version:  numba 0.68.1
# expected: cache=True compiles again when the code it stands for has changed.
# is:       only the file of the cached function itself is looked at. A constant or a function of another module is
#           compiled in, and stays what it was when that module is edited, in every later process, until the cache is
#           deleted. (numba's documentation names it among the limits of caching.)
# seen:     compiled: 2.0
#           limits.py edited: compiled 2.0, the same function as Python 6.0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
timeout 300 "$work/venv/bin/pip" install -q --no-compile numba==0.68.1
cd "$work"
cat > judge.py <<'PY'
from numba import njit

import limits


@njit(cache=True)
def judge(value):
    return value + limits.limit()
PY
write_limits() {
  printf 'from numba import njit\n\n\n@njit\ndef limit():\n    return %s\n' "$1" > limits.py
}
export PYTHONDONTWRITEBYTECODE=1 # so that Python itself cannot be what is stale
write_limits 1.0
echo "compiled: $(timeout 60 venv/bin/python -c 'from judge import judge; print(judge(1.0))')"
write_limits 5.0
timeout 60 venv/bin/python - <<'PY'
import sys

from judge import judge

compiled, plain = judge(1.0), judge.py_func(1.0)
print(f"limits.py edited: compiled {compiled}, the same function as Python {plain}")
sys.exit(0 if (compiled, plain) == (2.0, 6.0) else 1)
PY

#!/usr/bin/env bash
# Atheris, told to instrument one subpackage, instruments the whole package, and numba can compile nothing of it then.
#
# version:  atheris 3.0.0, numba 0.68.1
# expected: instrument_imports(include=["shop.readers"]) instruments what is in shop.readers; its docstring says that
#           include holds module names, and that what is within these is instrumented too.
# is:       of each name only what stands before the first dot is kept. A kernel in shop.kernels is instrumented like
#           the rest, so that compiling it fails with a TypingError; only an exact name in exclude saves a module, and
#           one of a package in exclude does not save what is in it.
# seen:     include=['shop.readers']: the kernel fails with TypingError
#           include=['shop'], exclude=['shop.kernels']: the kernel fails with TypingError
#           include=['shop'], exclude=['shop.kernels.sums']: the kernel gives 6.0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
timeout 300 venv/bin/pip install -q --no-compile atheris==3.0.0 numba==0.68.1
mkdir -p shop/readers shop/kernels
touch shop/__init__.py shop/readers/__init__.py shop/kernels/__init__.py
cat > shop/kernels/sums.py <<'PY'
import numba
import numpy as np


@numba.njit
def total(values):
    found = 0.0
    for value in values:
        found += value
    return found


def three():
    return total(np.array([1.0, 2.0, 3.0]))
PY
cat > shop/readers/lines.py <<'PY'
from shop.kernels.sums import three
PY
cat > tried.py <<'PY'
import ast
import sys

import atheris
import numba  # what is imported before is left alone

include, exclude = map(ast.literal_eval, sys.argv[1:])
with atheris.instrument_imports(include=include, exclude=exclude):
    from shop.readers.lines import three
try:
    print("gives", three())
except numba.core.errors.TypingError:
    print("fails with TypingError")
PY
one=$(timeout 120 venv/bin/python tried.py "['shop.readers']" "[]" 2> /dev/null)
echo "include=['shop.readers']: the kernel $one"
other=$(timeout 120 venv/bin/python tried.py "['shop']" "['shop.kernels']" 2> /dev/null)
echo "include=['shop'], exclude=['shop.kernels']: the kernel $other"
exact=$(timeout 120 venv/bin/python tried.py "['shop']" "['shop.kernels.sums']" 2> /dev/null)
echo "include=['shop'], exclude=['shop.kernels.sums']: the kernel $exact"
[ "$one / $other / $exact" = "fails with TypingError / fails with TypingError / gives 6.0" ]

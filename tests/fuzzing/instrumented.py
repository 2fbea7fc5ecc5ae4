"""``python -m tests.fuzzing.instrumented TARGET CORPUS [options of libFuzzer]``: one target under Atheris.

Code that reads is instrumented, so that bytes which lead to new places in it are kept and changed further. Detectors
are not: of instrumented functions nothing can be compiled.
"""

import sys
from pkgutil import walk_packages

import atheris

import tracehound.detectors

_DETECTORS = [module.name for module in walk_packages(tracehound.detectors.__path__, "tracehound.detectors.")]
_COMPILED = [name for name in _DETECTORS if not name.startswith("tracehound.detectors.incidents")]
with atheris.instrument_imports(include=["tracehound"], exclude=_COMPILED):
    from tests.fuzzing.targets import TARGETS


def main() -> None:
    name, *options = sys.argv[1:]
    atheris.Setup([sys.argv[0], *options], TARGETS[name].read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

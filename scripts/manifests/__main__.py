"""``python -m tracehound.scripts.manifests CHART EXAMPLE…``: checks the chart with each file of values.

Where there is no Go, it says loudly that nothing was checked; with CI=true in the environment that is a failure.
"""

import os
import sys
from pathlib import Path

import jsonschema

from tracehound.scripts.manifests.go_tools import go
from tracehound.scripts.manifests.judging import judge
from tracehound.scripts.manifests.rendering import ChartError, lint, rendered


def main(chart: Path, examples: list[Path]) -> int:
    """Check the chart, and say what is wrong with it.

    Returns:
        The exit status: 1 where something is wrong.
    """
    if go() is None:
        print("COULD NOT RUN: the Helm chart was not checked, for Helm is built by Go, which is not installed")
        return int(os.environ.get("CI") == "true")
    wrong = 0
    for example in examples:
        try:
            lint(chart, [example])
            objects = rendered(chart, [example])
        except ChartError as error:
            print(f"{example}: {error}")
            wrong += 1
            continue
        for one in objects:
            try:
                judge(one)
            except jsonschema.ValidationError as error:
                print(f"{example}: {one['kind']} {one['metadata']['name']}: {error.json_path}: {error.message}")
                wrong += 1
        print(f"{example}: {len(objects)} objects")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [Path(one) for one in sys.argv[2:]]))

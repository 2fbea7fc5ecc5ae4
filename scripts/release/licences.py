"""``python -m tracehound.scripts.release.licences TOOLS LOCK [FILE]``: licences of what is installed with the product.

It fails where one is none of those that may be installed with an Apache-2.0 product. With FILE it writes them as JSON.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

ALLOWED: Final = (
    *("0BSD", "Apache", "BSD", "CC0-1.0", "ISC", "MIT", "PSF", "Python Software Foundation", "Zlib", "Repoze Public"),
    *("LGPL", "Lesser General Public", "MPL", "Mozilla Public License 2.0"),  # used as they are, and not changed
)
"""How the licences begin that may be; one name of several that are to be chosen from is enough."""


def names_in(lock: str) -> list[str]:
    """The distributions of a lock file.

    >>> names_in("aiokafka==0.14.0 \\\\\\n    --hash=sha256:00\\npsycopg[binary]==3.3 \\\\\\n")
    ['aiokafka', 'psycopg']
    """
    return sorted(set(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==", lock, re.MULTILINE)))


def refused(licences: Iterable[dict[str, str]]) -> list[str]:
    """Sentences on those that may not be.

    >>> refused([{"Name": "a", "License": "MIT OR GPL-3.0-only"}, {"Name": "b", "License": "GPL-3.0-only"}])
    ["b stands under 'GPL-3.0-only', which is none of those that are allowed"]
    """
    return [
        f"{one['Name']} stands under {one['License']!r}, which is none of those that are allowed"
        for one in licences
        if not _is_allowed(one["License"])
    ]


def _is_allowed(said: str) -> bool:
    """Each part of what is to be kept together has to be allowed, and one of what may be chosen from."""
    together = re.split(r"\s+AND\s+|;\s*", said)
    return all(any(_begins(choice) for choice in re.split(r"\s+OR\s+", part)) for part in together)


def _begins(licence: str) -> bool:
    plain = re.sub(r"^(The |3-Clause |2-Clause |New |GNU )+", "", licence.strip("() "))
    return plain.startswith(ALLOWED)


def main(tools: Path, lock: Path, file: Path | None) -> int:
    """Look at what is installed.

    Returns:
        The exit status: 1 where a licence is not allowed.
    """
    asked = [str(tools / "pip-licenses"), "--python", sys.executable, "--from", "mixed", "--format", "json"]
    told = subprocess.run([*asked, "--packages", *names_in(lock.read_text())], capture_output=True, check=True).stdout
    licences = json.loads(told)
    wrong = refused(licences)
    for sentence in wrong:
        print(sentence)
    if file is not None:
        file.write_bytes(told)
    print(f"{len(licences)} packages, {len(wrong)} with a licence that is not allowed")
    return int(bool(wrong) or not licences)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None))

"""``python -m tracehound.scripts.release.images FILE …``: whether Dockerfiles and compose files pin their images.

A tag is another image tomorrow; a tag with the digest of its index is the same on every platform until somebody
changes it here. It fails where an image has none, unless it is built here or stands among those that have no digest.
"""

import re
import sys
from pathlib import Path
from typing import Final

BUILT_HERE: Final = "tracehound:"
WITHOUT: Final = (
    "elasticsearch:9.1.4",
    "logstash:9.1.4",
    "kibana:9.1.4",
    "elastic/filebeat:9.1.4",
)
"""Of the profile ``elk`` alone: no digest of these versions is known from sources that agree."""
_NAMED: Final = re.compile(r"^\s*(?:ARG\s+BASE=|FROM\s+|image:\s*)(\S+)", re.MULTILINE)
_PINNED: Final = re.compile(r".+:.+@sha256:[0-9a-f]{64}")


def unpinned(text: str) -> list[str]:
    """The images of a Dockerfile or compose file that may be others tomorrow.

    >>> unpinned("ARG BASE=python:3.11-slim\\nFROM ${BASE} AS build\\nFROM scratch\\n")
    ['python:3.11-slim']
    >>> unpinned("services:\\n  one:\\n    image: some:1@sha256:" + "0" * 64 + " # why\\n")
    []
    """
    return [
        image
        for image in _NAMED.findall(text)
        if image not in (*WITHOUT, "${BASE}", "scratch")
        and not image.startswith(BUILT_HERE)
        and not _PINNED.fullmatch(image)
    ]


def main(files: list[Path]) -> int:
    """Look at files; the exit status is 1 where one names an image without its digest."""
    found = [f"{file}: {image} is named without its digest" for file in files for image in unpinned(file.read_text())]
    print(*found, sep="\n" if found else "", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))

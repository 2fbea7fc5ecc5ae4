"""``python -m tracehound.scripts.sizing FOLDER FILE [--check]``: writes what is measured, or says it is not current."""

import sys
from pathlib import Path

import msgspec

from tracehound.scripts.sizing.measured import measured_by


def main(folder: Path, file: Path, check: bool) -> int:
    """Write the figures of the benchmarks in a folder to a file.

    Returns:
        The exit status: 1 where the file is to be checked and differs.
    """
    text = msgspec.json.format(msgspec.json.encode(measured_by(folder)), indent=2) + b"\n"
    if not check:
        file.write_bytes(text)
    elif not file.is_file() or file.read_bytes() != text:
        print(f"{file} is not current: python -m tracehound.scripts.sizing {folder} {file}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), "--check" in sys.argv[3:]))

"""The bill of materials: every distribution that is installed with the product, with the digests of its files."""

import subprocess
from pathlib import Path


def write_bill(tools: Path, project: Path, file: Path) -> None:
    """Write it as CycloneDX JSON, held against its schema, the same bytes for the same lock.

    Raises:
        subprocess.CalledProcessError: the tool refuses the lock, or the schema its result.
    """
    lock = project / "infra/docker/requirements.lock"
    subprocess.run(
        [
            *(str(tools / "cyclonedx-py"), "requirements", str(lock)),
            *("--pyproject", str(project / "pyproject.toml"), "--mc-type", "application"),
            *("--output-reproducible", "--validate", "--output-format", "JSON", "--output-file", str(file)),
        ],
        check=True,
        capture_output=True,
    )

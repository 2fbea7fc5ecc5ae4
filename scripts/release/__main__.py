"""``python -m tracehound.scripts.release TOOLS DIST``: everything that a release consists of, in one folder.

TOOLS is the folder of the programs of ``scripts/release/tools.lock``. Nothing is published here: the workflow
``release`` does that, with attestations, when the tag is pushed.
"""

import hashlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tracehound.scripts.release.bill import write_bill
from tracehound.scripts.release.licences import main as licences

PROJECT = Path(__file__).resolve().parents[2]


def faults(project: Path) -> list[str]:
    """Sentences on why there can be no release of what is checked out."""
    found = []
    version = version_of(project / "pyproject.toml")
    if _git(project, "status", "--porcelain"):
        found.append("Files differ from what is committed.")
    if f"\n## {version}\n" not in (project / "CHANGELOG.md").read_text():
        found.append(f"CHANGELOG.md has no part '## {version}'.")
    tag = f"v{version}"
    if _git(project, "tag", "--list", tag) and _git(project, "rev-list", "-1", tag) != _git(
        project, "rev-parse", "HEAD"
    ):
        found.append(f"The tag {tag} is at another commit: raise the version.")
    chart = (project / "infra/helm/tracehound/Chart.yaml").read_text()
    if set(re.findall(r"^(?:appVersion|version): (\S+)$", chart, re.MULTILINE)) != {version}:
        found.append(f"The chart's version and appVersion must be {version}.")
    return found


def version_of(file: Path) -> str:
    """The version that a ``pyproject.toml`` gives."""
    return str(tomllib.loads(file.read_text())["project"]["version"])


def sums(folder: Path) -> str:
    """SHA-256 of the files of a folder, as ``sha256sum --check`` reads them."""
    files = sorted(file for file in folder.iterdir() if file.name != "SHA256SUMS")
    return "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)


def main(tools: Path, dist: Path) -> int:
    """Build it, or say why not.

    Returns:
        The exit status: 1 where there can be no release.
    """
    wrong = faults(PROJECT)
    for sentence in wrong:
        print(sentence)
    if wrong:
        return 1
    dist.mkdir(parents=True)
    when = {**os.environ, "SOURCE_DATE_EPOCH": _git(PROJECT, "log", "-1", "--format=%ct")}
    for source in (PROJECT, PROJECT / "client"):
        subprocess.run(
            [tools / "python", "-m", "build", "--wheel", "--outdir", dist, source],
            env=when,
            check=True,
            stdout=sys.stderr,
        )
    subprocess.run([tools / "twine", "check", "--strict", *dist.glob("*.whl")], check=True)
    write_bill(tools, PROJECT, dist / "tracehound.cdx.json")
    if licences(tools, PROJECT / "infra/docker/requirements.lock", dist / "licences.json"):
        return 1
    (dist / "SHA256SUMS").write_text(sums(dist))
    names = ", ".join(sorted(one.name for one in dist.iterdir()))
    print(f"{version_of(PROJECT / 'pyproject.toml')} is in {dist}: {names}")
    return 0


def _git(project: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", project, *arguments], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))

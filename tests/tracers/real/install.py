"""Installs the programs of tracers once, in a folder that is kept, as their registries have them."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from tests.tracers.real.tracers import Tracer

PROGRAMS = Path(__file__).parent / "programs"
KEPT = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tracehound"
_INSTALL_S = 900


def _folder(tracer: Tracer) -> Path:
    content = hashlib.sha256(tracer.install.encode())
    for path in sorted((PROGRAMS / tracer.program).iterdir()):
        content.update(path.name.encode() + path.read_bytes())
    return KEPT / f"{tracer.program}-{content.hexdigest()[:16]}"


def installed(tracer: Tracer) -> Path:
    """The folder in which the program can be started.

    Raises:
        CalledProcessError: a registry or a compiler says no.
    """
    folder = _folder(tracer)
    if not (folder / ".installed").exists():
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(PROGRAMS / tracer.program, folder)
        subprocess.run(["bash", "-c", f"set -e; {tracer.install}"], cwd=folder, check=True, timeout=_INSTALL_S)
        (folder / ".installed").touch()
    return folder

"""What comes from the Go proxy: Helm as a program, and modules that bring the schemas of their resources along.

Versions are pinned; Go's own checksum database of modules (or the one that GOSUMDB names) vouches for their bytes.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

HELM: Final = "helm.sh/helm/v4/cmd/helm@v4.3.2"
KEDA: Final = "github.com/kedacore/keda/v2@v2.21.0"
PROMETHEUS_OPERATOR: Final = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
_BUILD_S: Final = 1_200.0


def go() -> str | None:
    """Go's command, or None where there is none that can fetch the version of itself that Helm asks for."""
    return shutil.which("go")


def helm() -> Path:
    """Helm, built the first time (minutes) into the environment's folder ``tools``.

    Raises:
        subprocess.CalledProcessError: Go could not build it.
    """
    folder = Path(sys.prefix) / "tools"
    folder.mkdir(exist_ok=True)
    version = HELM.rpartition("@")[2]
    program = folder / version / "helm"
    with (folder / "helm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several may ask at once, and one builds
        if not program.exists():
            subprocess.run(
                [go() or "go", "install", HELM],
                env={**os.environ, "GOBIN": str(program.parent), "GOFLAGS": "-ldflags=-s"},
                check=True,
                timeout=_BUILD_S,
            )
    return program


def module_folder(module: str) -> Path:
    """Where Go keeps the files of a module, ``path@version``, fetched the first time.

    Raises:
        subprocess.CalledProcessError: Go could not fetch it.
    """
    told = subprocess.run(
        [go() or "go", "mod", "download", "-json", module],
        cwd="/",  # outside of any module, so that no file of ours is touched
        capture_output=True,
        check=True,
        timeout=_BUILD_S,
    ).stdout
    return Path(json.loads(told)["Dir"])

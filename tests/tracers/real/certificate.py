"""Certificates for clients that speak HTTPS and nothing else."""

import subprocess
from pathlib import Path


def certificate(openssl: str, folder: Path) -> tuple[Path, Path]:
    """A certificate of localhost and its key."""
    made, private = folder / "certificate.pem", folder / "key.pem"
    request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    files = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(private), "-out", str(made)]
    subprocess.run([openssl, *request, *files], check=True, capture_output=True, timeout=60)
    return made, private

"""The image: built of files that exist, in the versions of the tests, and run by nobody in particular."""

import re

from tests.checkout import PROJECT


def test_the_image_is_built_from_files_that_exist_and_runs_unprivileged() -> None:
    dockerfile = (PROJECT / "infra/docker/Dockerfile").read_text()
    ignored = (PROJECT / "infra/docker/Dockerfile.dockerignore").read_text().splitlines()
    assert re.search(r"^ARG BASE=python:3\.11\.\d+-slim@sha256:[0-9a-f]{64}$", dockerfile, re.MULTILINE)
    build, run = re.split(r"^FROM ", dockerfile, flags=re.MULTILINE)[1:]
    assert (build.split()[0], run.split()[0]) == ("${BASE}", "${BASE}")
    assert "pip" not in re.sub(r"^#.*$", "", run, flags=re.MULTILINE), "what installs is left behind"
    assert re.search(r"^USER 10001:10001$", dockerfile, re.MULTILINE)
    assert "NUMBA_CACHE_DIR=/home/tracehound/" in dockerfile, "the folder of the package cannot be written to"
    assert "--require-hashes -r requirements.lock" in dockerfile
    for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (PROJECT / source).exists(), source
            assert f"!{source}" in ignored, source


def test_the_image_holds_what_is_needed_to_run_in_the_versions_of_the_tests() -> None:
    needed, all_of_them = (
        set(re.findall(r"^(\S+==\S+)", (PROJECT / name).read_text(), re.MULTILINE))
        for name in ("infra/docker/requirements.lock", "requirements.lock")
    )
    assert needed < all_of_them
    assert not [
        one for one in needed if one.split("==")[0] in {"pytest", "ruff", "mypy", "hypothesis", "testcontainers"}
    ]

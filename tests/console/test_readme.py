"""The README's calls of the console work as they stand there."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.checkout import PROJECT
from tests.console.served import served_in_process

CALLS = re.findall(r"^curl .*127\.0\.0\.1:8420.*$", (PROJECT / "README.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_the_calls_of_the_readme_find_what_was_told(store_url: str, tmp_path: Path) -> None:
    assert len(CALLS) == 3
    with served_in_process(store_url, tmp_path / "log") as (url, key):
        incidents, anomalies, logs = (
            subprocess.run(
                call.replace("http://127.0.0.1:8420", url),
                shell=True,
                env={"KEY": key, "PATH": "/usr/bin:/bin:/usr/local/bin"},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for call in CALLS
        )
    assert json.loads(incidents)["items"][0]["data"]["summary"] == "one is slow"
    assert anomalies.startswith("id,time,application,")
    (found,) = json.loads(logs)["items"]
    assert (found["data"]["message"], found["data"]["level"], found["data"]["severity"]) == (
        *("CPU spike detected", "warning"),
        "minor",
    )

"""Write the contracts as JSON Schemas and an AsyncAPI 3 document (``python -m tracehound.schemas.generate FOLDER``)."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.application_settings import ApplicationSettings
from tracehound.schemas.asyncapi import asyncapi_document
from tracehound.schemas.call_graph import CallGraph
from tracehound.schemas.control import Control
from tracehound.schemas.dead_letter import DeadLetterHeaders
from tracehound.schemas.delivery import DeliveryEvent
from tracehound.schemas.execution import Execution
from tracehound.schemas.feedback import Maintenance, Verdict
from tracehound.schemas.incident import IncidentEvent
from tracehound.schemas.json_schema import json_schema
from tracehound.schemas.log_event import LogEvent
from tracehound.schemas.model_event import ModelEvent
from tracehound.schemas.progress import Progress
from tracehound.schemas.score import ScoreAnswer, ScoreRequest
from tracehound.schemas.scored_log import ScoredLogEvent
from tracehound.schemas.tuning import TuningResult, TuningTask

CONTRACTS: dict[str, Any] = {
    "execution": Execution,
    "execution-record": Execution | list[Execution],
    "log-event": LogEvent,
    "anomaly-event": AnomalyEvent,
    "scored-log-event": ScoredLogEvent,
    "model-event": ModelEvent,
    "progress": Progress,
    "incident-event": IncidentEvent,
    "delivery-event": DeliveryEvent,
    "control": Control,
    "application-settings": ApplicationSettings,
    "score-request": ScoreRequest,
    "score-answer": ScoreAnswer,
    "tuning-task": TuningTask,
    "tuning-result": TuningResult,
    "verdict": Verdict,
    "maintenance": Maintenance,
    "call-graph": CallGraph,
    "dead-letter-headers": DeadLetterHeaders,
}
"""Name of each JSON Schema and the type it is made from."""


def documents() -> dict[str, str]:
    """The text of every generated file by its name."""
    built = {f"{name}.schema.json": json_schema(contract) for name, contract in CONTRACTS.items()}
    built["asyncapi.json"] = asyncapi_document()
    return {name: json.dumps(document, indent=2) + "\n" for name, document in built.items()}


def write(folder: Path) -> None:
    """Write all documents, creating the folder if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (folder / name).write_text(text, encoding="utf-8")


def outdated(folder: Path) -> list[str]:
    """Names of files that are missing, differ from what would be written, or belong to no contract."""
    expected = documents()
    present = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in expected.keys() | present.keys() if expected.get(name) != present.get(name))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the status is 1 if ``--check`` finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m tracehound.schemas.generate", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the documents live, for instance docs/contracts")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the documents are outdated")
    options = parser.parse_args(arguments)
    if not options.check:
        write(options.folder)
        return 0
    names = outdated(options.folder)
    if names:
        sys.stderr.write(
            f"{options.folder} differs from the types in schemas/: {', '.join(names)}. "
            f"Run: python -m tracehound.schemas.generate {options.folder}\n"
        )
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main())

"""The colours of severities on a terminal."""

from collections.abc import Mapping

from tracehound.schemas.anomaly import Severity

SEVERITY_COLOURS: Mapping[Severity, str] = {"minor": "yellow", "major": "dark_orange", "critical": "bold red"}

"""The operator's own list of incidents: a CSV file with the columns start and end, and application where known."""

import csv
import math
from collections.abc import Iterator
from pathlib import Path

from tracehound.schemas.execution import epoch_seconds
from tracehound.scripts.acceptance.timeline import Stretch, TimelineError


def read_incidents(file: Path, application: str | None = None) -> list[Stretch]:
    """Those of one application (and those that name none), or all.

    ``start`` and ``end`` are RFC 3339 or epoch seconds; one without an end is a moment.

    Raises:
        TimelineError: the file cannot be read, lacks a column, or a line is wrong; the message names the line.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise TimelineError(f"The list of incidents must be a CSV file in UTF-8. Got {file}: {error}.") from None
    rows = csv.DictReader(text.splitlines())
    columns = [name.strip().lower() for name in rows.fieldnames or ()]
    if "start" not in columns:
        raise TimelineError(
            f"The list of incidents must have the columns start and end, and may have application. Got {columns}."
        )
    rows.fieldnames = columns
    return list(_stretches(rows, application))


def _stretches(rows: "csv.DictReader[str]", application: str | None) -> Iterator[Stretch]:
    for row in rows:
        named = (row.get("application") or "").strip()
        if application is None or named in ("", application):
            start_s = _moment(row.get("start"), "start", rows.line_num)
            end_s = _moment(row.get("end"), "end", rows.line_num) if (row.get("end") or "").strip() else start_s
            if end_s < start_s:
                raise TimelineError(f"Line {rows.line_num} of the list of incidents ends before it starts.")
            yield Stretch(start_s, end_s)


def _moment(text: str | None, column: str, line: int) -> float:
    given = (text or "").strip()
    try:
        moment_s = float(given)
    except ValueError:
        try:
            return epoch_seconds(given)
        except ValueError:
            moment_s = math.nan
    if not math.isfinite(moment_s):
        raise TimelineError(
            f"Line {line} of the list of incidents must have a '{column}' in RFC 3339 or epoch seconds. "
            f"Got {given!r} instead."
        )
    return moment_s

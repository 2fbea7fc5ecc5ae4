"""The table of tracers: what each writes, what of it is understood, and what is known to be lost, by whose fault."""

from typing import Any

from tracehound.scripts.documents.measured import Measured, table


def tracers(measured: Measured) -> str:
    """A row for each tracer: first those that `make test-tracers` really runs, then those that are recorded."""
    figures = measured.of("tracers")
    rows = figures["tracers"]
    questions = list(dict.fromkeys(what for row in rows if row["really_run"] for what in _answered(row)))
    run = [
        [
            *(row["tracer"], row["version"], row["from"], row["writes"]),
            *("yes" if question in row["understood"] else "**no**" for question in questions),
            _lost(row),
        ]
        for row in rows
        if row["really_run"]
    ]
    recorded = [
        [row["tracer"], row["version"], row["from"], row["writes"], str(len(row["understood"])), _lost(row)]
        for row in rows
        if not row["really_run"]
    ]
    return "\n".join(
        [
            f"{figures['as_expected']} of {figures['cases']} cases are as expected.",
            "",
            "## Really run",
            table(["tracer", "version", "from", "writes", *questions, "lost"], run),
            "",
            "## Recorded",
            table(["tracer", "version", "from", "writes", "cases as expected", "lost"], recorded),
            "",
            measured.origin("tracers", "make test-tracers"),
        ]
    )


def _answered(row: dict[str, Any]) -> list[str]:
    return [*row["understood"], *(each["what"] for each in row["lost"])]


def _lost(row: dict[str, Any]) -> str:
    return "; ".join(f"{each['what']} ({each['why']})" for each in row["lost"]) or "nothing known"

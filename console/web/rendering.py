"""Pages: templates that escape whatever they write, and the headers that keep browsers from running anything else."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from tracehound.console.web.charts import sparkline
from tracehound.console.web.navigation import places_of
from tracehound.console.web.times import moment
from tracehound.detectors.telling.amounts import duration
from tracehound.schemas.execution import rfc3339

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_TURNS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_NOTHING: Final = 1e-6
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def share(value: float) -> str:
    """A share of 1 in per cent.

    >>> share(0.96), share(0.004), share(1e-9)
    ('96 %', '0.4 %', '0 %')
    """
    value = 0.0 if abs(value) < _NOTHING else value
    return f"{value:.0%}".replace("%", " %") if value >= 0.1 or value == 0 else f"{value * 100:.2g} %"


def amount(value: float, unit: str) -> str:
    """A number with its unit, times in whatever unit suits them.

    >>> amount(3200.0, "ms"), amount(0.12, ""), amount(1234567.0, "executions"), amount(1.01e-5, "EUR")
    ('3200 ms', '0.12', '1,234,567 executions', '0.00001 EUR')
    """
    if unit == "ms":
        return duration(value)
    number = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    if "e" in number:  # nobody reads exponents
        number = f"{value:.6f}".rstrip("0").rstrip(".")
    return f"{number} {unit}".strip()


def measure(value: float, unit: str) -> str:
    """A value of a series.

    >>> measure(0.25, "share"), measure(12.0, "ms"), measure(3.14159, "")
    ('25 %', '12 ms', '3.14')
    """
    return share(value) if unit == "share" else amount(value, unit)


def combined(kept: Mapping[str, object], more: Mapping[str, object]) -> dict[str, object]:
    """What an address asks for, changed in something; None asks for nothing.

    >>> combined({"hours": "12", "until": None}, {"operation": "GET /"})
    {'hours': '12', 'operation': 'GET /'}
    """
    return {name: value for name, value in {**kept, **more}.items() if value is not None}


def without_turns(value: object) -> object:
    """A text in which characters that turn all that follows around are written out; anything else as it is.

    Names are other people's, and a sentence that holds one must not say something else. Text that runs from right to
    left needs none of these characters.

    >>> without_turns("a\u202eb"), without_turns(5)
    ('a\\\\u202eb', 5)
    """
    if type(value) is str and not value.isascii():
        return _TURNS.sub(lambda one: f"\\u{ord(one[0]):04x}", value)
    return value


class Pages:
    """Renders templates, which lie beside what they show."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parents[1]),
            autoescape=True,
            finalize=without_turns,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "moment": moment,
            "told_at": rfc3339,
            "json": json.dumps,
            "in_path": partial(quote, safe=""),
            "share": share,
            "amount": amount,
            "duration": duration,
            "measure": measure,
            "combined": combined,
        }
        self._templates.globals |= {"sparkline": _sparkline, "places_of": places_of}

    def render(self, template: str, status: int = 200, **given: Any) -> HTMLResponse:
        """A page; ``template`` is below ``console/``."""
        return HTMLResponse(self._templates.get_template(template).render(given), status, HEADERS)


def _sparkline(values: Sequence[float | None]) -> str:
    return sparkline(values, 100, 24)

"""What is asked of the console: lists, filtered lists, the overview, and an incident's page."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from tracehound.scripts.benchmarks.api.filling import APPLICATIONS, BEGIN_S, DAYS, Size, application

API: Final = "/api/v1"
LIMIT: Final = 50


def questions(size: Size, count: int) -> Mapping[str, Sequence[str]]:
    """Paths by what they are for, about so many of each."""
    chance = random.Random(3)
    each = range(count)
    names = [application(chance.randrange(APPLICATIONS)) for _ in each]
    moments = [_moment(chance) for _ in each]
    incidents = [f"incident-{chance.randrange(size.incidents)}" for _ in range(count // 4)]
    return {
        "list": [
            f"{API}/anomalies?limit={LIMIT}" if number % 2 else f"{API}/anomalies?limit={LIMIT}&until={moment}"
            for number, moment in zip(each, moments, strict=True)
        ],
        "filter": [
            filtered(name)
            if number % 3
            else f"{API}/anomalies?limit={LIMIT}&kind=errors&severity=critical&until={moment}"
            for number, name, moment in zip(each, names, moments, strict=True)
        ],
        "overview": [
            f"{API}/applications?limit={LIMIT}" if number % 2 else f"{API}/incidents?limit={LIMIT}&state=open"
            for number in each
        ],
        "incident": [
            f"{API}/incidents/{incident}{part}"
            for incident in incidents
            for part in ("", "/timeline", "/cause", "/anomalies")
        ],
    }


def filtered(name: str) -> str:
    """The list that Datasette is asked for, too: grave anomalies of one application, the newest first."""
    return f"{API}/anomalies?limit={LIMIT}&application={name}&severity=major"


def filtered_by_datasette(name: str, bare: bool) -> str:
    """The same list from Datasette; ``bare``: without counts, facets and columns that nobody asked for."""
    less = "&_nocount=1&_nofacet=1&_nosuggest=1&_col=event" if bare else ""
    wanted = f"application={name}&severity_rank=1&_sort_desc=time_us&_size={LIMIT}"
    return f"/store/anomalies.json?{wanted}&_shape=objects{less}"


def _moment(chance: random.Random) -> str:
    at_s = BEGIN_S + DAYS * 86_400 * chance.random()
    return quote(datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds"))

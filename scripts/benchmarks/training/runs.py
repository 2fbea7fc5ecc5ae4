"""Training runs of many applications, as a worker has them: by schedule and on demand, in a helper process."""

import itertools
import random
from collections.abc import Iterator

from tracehound.detectors.forests.fitting import PoolFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import Execution, Segment
from tracehound.schemas.model_event import ModelChange

APPLICATIONS = 60
_LEAST, _MOST = 300, 9_000
_SEED = 21


def executions(application: str, count: int) -> list[Execution]:
    """Usual executions of an application, one a second, each with a call and a query."""
    draw = random.Random(f"{_SEED} {application}")
    made = []
    for number in range(count):
        remote, query, own = (draw.lognormvariate(*shape) for shape in ((3.0, 0.2), (2.0, 0.2), (3.0, 0.3)))
        segments = [
            Segment("GET /stock", remote * 1.2, "http", own / 2, peer="stock", remote_ms=remote),
            Segment("SELECT", query, "db", own / 2 + 1.2 * remote),
        ]
        total = own + 1.2 * remote + query
        made.append(Execution(application, f"GET /{number % 3}", float(number), total, segments=segments))
    return made


def trained(applications: int = APPLICATIONS) -> Iterator[ModelChange]:
    """Each training run of these applications, in the order in which it was told.

    They are of very different sizes, and each is trained once on demand beside its schedule, so that there are runs on
    few samples, and on many.
    """
    draw, fitter = random.Random(_SEED), PoolFitter()
    scorer = Scorer(DetectionSettings(), fitter)
    try:
        for number in range(applications):
            name = f"app-{number}"
            given = executions(name, round(_LEAST * (_MOST / _LEAST) ** draw.random()) + scorer.chunk)
            demand = draw.randrange(100, 400)
            cuts = [0, demand, *range(demand + scorer.chunk, len(given), scorer.chunk), len(given)]
            for first, last in itertools.pairwise(cuts):
                if first == demand:
                    scorer.refit((name, ""))
                for event in scorer.score(given[first:last]).model_events:
                    if event.data.cost is not None:
                        yield event.data
    finally:
        fitter.close()

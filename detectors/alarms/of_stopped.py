"""The alarm of operations that stopped while the rest of their application goes on."""

from math import sqrt

from tracehound.detectors.alarms.of_windows import SAME_S
from tracehound.detectors.alarms.stopped import StoppedOperations
from tracehound.detectors.packed.probability import sigma_of_score
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling.alarm import Alarm, Explanation
from tracehound.detectors.telling.amounts import number
from tracehound.detectors.telling.deviation import Deviation
from tracehound.detectors.telling.severity import Evidence, severity_of

SIGNAL, KEY = "stopped_operations", "stopped operations"
SEVERAL = 3
"""Operations that stop at once, so that it is no longer a name that is not used any more."""
MOST_NAMED = 3


def stopped_alarm(application: str, found: StoppedOperations, settings: DetectionSettings) -> Alarm:
    """One alarm for all operations of an application that stopped at once."""
    several = len(found.operations) >= SEVERAL
    lasted_s = found.now_s - found.since_s
    spread = 1.645 * sqrt(found.missing) / max(found.missing, 1.0)
    bounds = max(0.0, found.per_s * (1.0 - spread)), found.per_s * (1.0 + spread)
    deviation = Deviation(SIGNAL, "executions/s", found.per_s, 0.0, bounds, found.score, sigma_of_score(found.score))

    def explain() -> Explanation:
        return Explanation({"missing executions": 1.0}, sentence(application, found.operations, lasted_s, found.per_s))

    severity = severity_of(Evidence("traffic", silent=several, missed=not several), settings)
    return Alarm("traffic", severity, "silence", deviation, "", KEY, explain, same_s=SAME_S)


def sentence(application: str, operations: list[str], lasted_s: float, per_s: float) -> str:
    """What has stopped, for how long, and what is usual.

    >>> sentence("shop", ["GET /cart", "POST /orders"], 61.0, 6.2)
    'GET /cart and POST /orders of shop had no executions for 61 s, typically 6.2 a second; others went on.'
    >>> sentence("shop", ["a", "b", "c", "d", "e"], 61.0, 6.2)
    'a, b, c and 2 other operations of shop had no executions for 61 s, typically 6.2 a second; others went on.'
    """
    named, more = operations[:MOST_NAMED], len(operations) - MOST_NAMED
    if more > 0:
        named = [*named, "another operation" if more == 1 else f"{more} other operations"]
    told = " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
    return (
        f"{told} of {application} had no executions for {number(lasted_s)} s, typically {number(per_s)} a second; "
        "others went on."
    )

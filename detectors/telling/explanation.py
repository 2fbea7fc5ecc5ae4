"""The sentence of an anomaly, with numbers, in words that a developer uses."""

from collections.abc import Callable

from tracehound.detectors.features.profile import OWN_CODE
from tracehound.detectors.telling.amounts import SECONDS_FROM_MS, duration, megabytes, number, waiting


def cause(contributions: dict[str, float], excess: str = "excess") -> str:
    """Where most of the excess lies, as the end of a sentence."""
    name, share = next(iter(contributions.items()))
    where = name if name == OWN_CODE or name.startswith("calls to ") else f"{name!r}"
    return f"{share:.0%} of the {excess} is in {where}".replace("%", " %")


def usually(typical: float, bounds: tuple[float, float], unit: Callable[[float], str]) -> str:
    """What is typical, as a part of a sentence; the range is in the unit of the typical value, and says it where that
    is not the unit of the anomaly.

    >>> usually(120.0, (80.0, 210.0), duration)
    'typically 120 ms (80 to 210)'
    >>> usually(61_400.0, (9_500.0, 66_100.0), duration)
    'typically 61.4 s (9.5 to 66.1 s)'
    """
    low, high = bounds
    if unit is duration and abs(typical) >= SECONDS_FROM_MS:
        return f"typically {unit(typical)} ({number(low / 1000)} to {number(high / 1000)} s)"
    return f"typically {unit(typical)} ({number(low)} to {number(high)})"


_DID = {
    "self_ms": ("spent {} in its own code", "spends {} in its own code"),
    "local_ms": ("took {} without the calls that other services answer for", "takes {} without its calls"),
    "duration_ms": ("took {}", "takes {}"),
}


def latency_sentence(
    operation: str,
    signal: str,
    actual: float,
    typical: float,
    bounds: tuple[float, float],
    single: bool,
    contributions: dict[str, float],
) -> str:
    """Sentence for a slow execution (``single``) or an operation that has become slow; milliseconds.

    >>> latency_sentence("GET /cart", "duration_ms", 940.0, 120.0, (80.0, 210.0), True, {"calls to stock": 0.77})
    'One execution of GET /cart took 940 ms, typically 120 ms (80 to 210): 77 % of the excess is in calls to stock.'
    """
    once, lately = _DID[signal]
    did = (once if single else lately).format(duration(actual))
    subject = f"One execution of {operation}" if single else f"{operation} now"
    return f"{subject} {did}, {usually(typical, bounds, duration)}: {cause(contributions)}."


def call_sentence(
    operation: str, peer: str, joined: bool, actual: float, typical: float, bounds: tuple[float, float], single: bool
) -> str:
    """Sentence for slow calls to a peer: what is lost between both sides if they are joined, else the whole call.

    >>> call_sentence("GET /cart", "stock", True, 1004.0, 4.0, (2.0, 60.0), False)
    'Calls to stock lose 1004 ms on the way, typically 4 ms (2 to 60); last seen in GET /cart.'
    >>> call_sentence("GET /cart", "cart-db", False, 90.0, 4.0, (2.0, 6.0), True)
    'One call to cart-db took 90 ms, typically 4 ms (2 to 6); seen in GET /cart.'
    """
    did = ("lost {} on the way" if single else "lose {} on the way") if joined else ("took {}" if single else "take {}")
    subject, seen = ("One call", "seen") if single else ("Calls", "last seen")
    said = did.format(duration(actual))
    return f"{subject} to {peer} {said}, {usually(typical, bounds, duration)}; {seen} in {operation}."


def queue_sentence(queue: str, operation: str, actual: float, typical: float, bounds: tuple[float, float]) -> str:
    """Sentence for messages that wait longer than usual for a consumer group; milliseconds.

    >>> queue_sentence("kafka orders for billing", "process orders", 3_200.0, 40.0, (12.0, 120.0))
    'Messages of kafka orders wait 3.2 s for billing, typically 40 ms (12 to 120); last seen in process orders.'
    """
    queue, _, group = queue.rpartition(" for ")
    waits = f"Messages of {queue} wait {waiting(actual)} for {group}" if queue else f"Messages wait {waiting(actual)}"
    low, high = bounds
    usual = (
        f"{number(low / 1000)} to {number(high / 1000)} s" if typical >= 1_000.0 else f"{number(low)} to {number(high)}"
    )
    return f"{waits}, typically {waiting(typical)} ({usual}); last seen in {operation}."


def memory_sentence(operation: str, actual: float, typical: float, bounds: tuple[float, float]) -> str:
    """Sentence for an operation whose peak memory has grown; megabytes.

    >>> memory_sentence("GET /report", 812.0, 240.0, (230.0, 260.0))
    'GET /report now needs up to 812 MB of memory, typically 240 MB (230 to 260).'
    """
    return f"{operation} now needs up to {number(actual)} MB of memory, {usually(typical, bounds, megabytes)}."


def structure_sentence(operation: str, about: str, name: str, actual: float, typical: float) -> str:
    """Sentence for an execution that is made of other segments than usual; counts, or ms where ``about`` is time.

    >>> structure_sentence("GET /cart", "count", "SELECT item", 44.0, 1.0)
    "GET /cart had 44 segments 'SELECT item', typically 1."
    >>> structure_sentence("GET /cart", "missing", "GET /stock", 0.0, 1.0)
    "GET /cart had no segment 'GET /stock', typically 1."
    >>> structure_sentence("GET /cart", "new", "GET /new", 1.0, 0.0)
    "GET /cart had a segment 'GET /new' that was never seen in it before."
    >>> structure_sentence("GET /cart", "time", "SELECT item", 400.0, 20.0)
    "GET /cart spent 400 ms in 'SELECT item', typically 20 ms."
    """
    return {
        "set": f"{operation} was made of segments that do not occur together usually, above all {name!r}.",
        "new": f"{operation} had a segment {name!r} that was never seen in it before.",
        "missing": f"{operation} had no segment {name!r}, typically {number(typical)}.",
        "count": f"{operation} had {number(actual)} segments {name!r}, typically {number(typical)}.",
        "time": f"{operation} spent {duration(actual)} in {name!r}, typically {duration(typical)}.",
    }[about]


def error_type_sentence(operation: str, name: str, sightings: int, since: int) -> str:
    """Sentence for a type of error that was never seen before.

    >>> error_type_sentence("GET /cart", "TimeoutError", 3, 120)
    'GET /cart failed with TimeoutError, which was never seen before: 3 times in the last 120 executions.'
    """
    times = "once" if sightings == 1 else f"{sightings} times in the last {since} executions"
    return f"{operation} failed with {name}, which was never seen before: {times}."


def new_log_sentence(template: str, sightings: int, since: int) -> str:
    """Sentence for an error that was logged and whose template was never seen before.

    >>> new_log_sentence("no route to <ip>", 3, 120)
    'The error "no route to <ip>" was never logged before: 3 times in the last 120 log events.'
    """
    times = "once" if sightings == 1 else f"{sightings} times in the last {since} log events"
    return f'The error "{template}" was never logged before: {times}.'


def burst_sentence(template: str, count: float, window_s: float, usual: float, largest: float) -> str:
    """Sentence for log events of one template that come more often than they ever did; numbers are per window.

    >>> burst_sentence("no route to <ip>", 420.0, 30.0, 1.3, 12.0)
    '"no route to <ip>" was logged 420 times within 30 s, typically 1.3 times, at most 12 in the days before.'
    """
    times = f"{number(count)} times within {number(window_s)} s"
    before = f"typically {number(usual)} times, at most {number(largest)} in the days before"
    return f'"{template}" was logged {times}, {before}.'


def errors_sentence(operation: str, actual: float, typical: float, contributions: dict[str, float]) -> str:
    """Sentence for an operation that fails more often than usual; rates in [0, 1].

    >>> errors_sentence("GET /cart", 0.34, 0.01, {"TimeoutError": 1.0})
    'About 34 % of the recent executions of GET /cart failed, usually 1 %; the last one with TimeoutError.'
    """
    share, usual = f"{actual:.0%}".replace("%", " %"), f"{number(100 * typical)} %"
    name = next(iter(contributions))
    end = "" if name == "error rate" else f"; the last one with {name}"
    return f"About {share} of the recent executions of {operation} failed, usually {usual}{end}."


def outlier_sentence(operation: str, detector: str, sigma: float, contributions: dict[str, float]) -> str:
    """Sentence for executions that are unlike the rest in a combination of features.

    >>> outlier_sentence("GET /cart", "isolation-forest", 9.1, {"error": 0.6, "rank.self_ms": 0.4})
    'Recent executions, last GET /cart, are unlike the usual ones (isolation-forest, 9.1 sigma), most by error (60 %).'
    """
    name, share = next(iter(contributions.items()))
    most = f"most by {name} ({share:.0%})".replace("%", " %")
    return (
        f"Recent executions, last {operation}, are unlike the usual ones ({detector}, {number(sigma)} sigma), {most}."
    )


def silence_sentence(application: str, silent_s: float, typical_ms: float, longest_ms: float) -> str:
    """Sentence for an application that has stopped sending.

    >>> silence_sentence("shop", 42.0, 200.0, 1500.0)
    'shop has sent nothing for 42 s, typically an execution every 200 ms (gaps up to 1500 ms).'
    """
    usual = f"typically an execution every {duration(typical_ms)} (gaps up to {duration(longest_ms)})"
    return f"{application} has sent nothing for {number(silent_s)} s, {usual}."

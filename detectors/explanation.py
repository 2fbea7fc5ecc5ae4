"""The sentence of an anomaly, with numbers, in words that a developer uses."""

from detectors.profile import OWN_CODE


def number(value: float) -> str:
    """A number with three significant digits and no exponent.

    >>> [number(value) for value in (0.0, 0.1234, 3.14159, 42.0, 1234.6)]
    ['0', '0.123', '3.14', '42', '1235']
    """
    if abs(value) >= 100:
        return f"{value:.0f}"
    text = f"{value:.3g}"
    return text if "e" not in text else f"{value:.3f}"


def duration(milliseconds: float) -> str:
    """Milliseconds below ten seconds, seconds above.

    >>> duration(940.0), duration(42_000.0)
    ('940 ms', '42 s')
    """
    return f"{number(milliseconds)} ms" if abs(milliseconds) < 10_000 else f"{number(milliseconds / 1000)} s"


def cause(contributions: dict[str, float], excess: str = "excess") -> str:
    """Where most of the excess lies, as the end of a sentence."""
    name, share = next(iter(contributions.items()))
    where = name if name == OWN_CODE or name.startswith("calls to ") else f"{name!r}"
    return f"{share:.0%} of the {excess} is in {where}".replace("%", " %")


_DID = {
    "self_ms": ("spent {} in its own code", "spends {} in its own code"),
    "call_gap_ms": (
        "lost {} between its call and the called service",
        "loses {} between its calls and the services called",
    ),
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
    """Sentence for a slow execution (``single``) or an operation that has become slow.

    >>> latency_sentence("GET /cart", "duration_ms", 940.0, 120.0, (80.0, 210.0), True, {"calls to stock": 0.77})
    'One execution of GET /cart took 940 ms, typically 120 ms (80 to 210): 77 % of the excess is in calls to stock.'
    """
    once, lately = _DID[signal]
    did = (once if single else lately).format(duration(actual))
    subject = f"One execution of {operation}" if single else f"{operation} now"
    usually = f"typically {duration(typical)} ({number(bounds[0])} to {number(bounds[1])})"
    return f"{subject} {did}, {usually}: {cause(contributions)}."


def structure_sentence(
    operation: str,
    actual: float,
    typical: float,
    bounds: tuple[float, float],
    single: bool,
    contributions: dict[str, float],
) -> str:
    """Sentence for an execution made of more segments than usual.

    >>> structure_sentence("GET /cart", 44.0, 4.0, (4.0, 5.0), False, {"SELECT item": 1.0})
    "GET /cart now has 44 segments, typically 4 (4 to 5): 100 % of the excess is in 'SELECT item'."
    """
    subject = f"One execution of {operation} had" if single else f"{operation} now has"
    usually = f"typically {number(typical)} ({number(bounds[0])} to {number(bounds[1])})"
    return f"{subject} {number(actual)} segments, {usually}: {cause(contributions)}."


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

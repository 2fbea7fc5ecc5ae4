"""A mapping proposed for JSON that nobody has described: which of its fields could be those of an execution.

What a value is counts as much as what its field is called: a moment lies within this century, a duration is no less
than zero, an outcome has values that say so. What was guessed is said to be.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tracehound.streams.envelopes.units import PER_SECOND, duration_s, moment_s

_MOST_PATHS = 300
_MOST_DEPTH = 6
_SHARE = 0.8
"""A field must be there in so much of what was seen."""
_CENTURY_S = (946_684_800.0, 4_102_444_800.0)
_WRITABLE = re.compile(r'[^,:"=]+')


def _words(written: str) -> tuple[str, ...]:
    return tuple(written.split())


_APPLICATION = _words(
    "application applicationname app appname service servicename svc svcname microservice component containername "
    "program system module project source logger"
)
_OPERATION = _words(
    "operation operationname endpoint route httproute transaction transactionname action handler job jobname task "
    "taskname command rpcmethod requestpath path uripath uri requesturi url requesturl target request query event "
    "eventname eventtype type name method"
)
_MOMENT = _words(
    "startedat start starttime startat startts started begin beginat begintime begints timestamp time ts @timestamp "
    "datetime date timeiso8601 msec eventtime createdat created at when occurredat"
)
_END = _words("endedat end endtime endat endts ended finish finishedat finished finishtime completedat stop stoptime")
_DURATION = _words(
    "duration elapsed elapsedtime took latency responsetime requesttime processingtime executiontime exectime "
    "timetaken runtime totaltime durationtotal cost"
)
_STATUS = _words(
    "status outcome result success succeeded ok failed failure iserror error statuscode httpstatus httpstatuscode "
    "responsecode responsestatus code state"
)
_COPIED = {
    "environment": _words("environment env stage deployment deploymentenvironment"),
    "version": _words("version appversion serviceversion release build"),
    "host": _words("host hostname pod podname instance node server"),
    "trace_id": _words("traceid trace correlationid requestid"),
    "span_id": _words("spanid"),
}
_UNIT_ENDINGS = (
    ("ns", _words("ns nanos nanoseconds nano")),
    ("us", _words("us micros microseconds micro")),
    ("ms", _words("ms millis milliseconds msec msecs")),
    ("s", _words("s sec secs seconds")),
)
_ERRORS = _words("error err failed failure fail exception fatal critical timeout cancelled aborted ko rejected")
_GOOD = _words("ok success succeeded successful done completed complete passed info")


@dataclass(frozen=True, slots=True)
class ProposedField:
    """A field of an execution, where it could be taken from as the setting has it, and why."""

    name: str
    written: str
    why: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What could be the setting ``execution_fields``, and which required fields nothing was found for."""

    fields: tuple[ProposedField, ...]
    missing: tuple[str, ...]

    @property
    def written(self) -> str:
        """As the setting has it."""
        return ", ".join(f"{each.name}={each.written}" for each in self.fields)


def propose(objects: Sequence[dict[str, Any]], topic: str) -> Proposal:
    """A mapping for what these objects have in common.

    >>> propose([{"svc": "shop", "path": "/cart", "ts": 1767225600250, "took_s": 0.5}], "requests").written
    'application=svc, operation=path, started_at=ts:ms, duration_ms=took_s:s'
    """
    seen = _Seen(objects)
    application = seen.first(_APPLICATION, _is_name)
    fields = [
        ProposedField("application", application, "called so")
        if application
        else ProposedField("application", f'"{_plain(topic)}"', "the topic's name, since no field looks like one")
    ]
    operation = seen.first(_OPERATION, _is_operation, but={application})
    if operation:
        fields.append(ProposedField("operation", operation, "called so"))
    started, unit = seen.moment(_MOMENT)
    if started:
        fields.append(ProposedField("started_at", f"{started}:{unit}", "its values are moments of this century"))
    duration = _duration(seen, started, unit)
    if duration is not None:
        fields.append(duration)
    status = _status(seen)
    if status is not None:
        fields.append(status)
    for name, called in _COPIED.items():
        if found := seen.first(called, _is_name):
            fields.append(ProposedField(name, found, "called so"))
    named = {each.name for each in fields}
    missing = tuple(name for name in ("operation", "started_at", "duration_ms") if name not in named)
    return Proposal(tuple(fields), missing)


class _Seen:
    """The values seen at each path, with dots between its parts."""

    def __init__(self, objects: Sequence[dict[str, Any]]) -> None:
        self._values: dict[str, list[Any]] = {}
        for each in objects:
            for path, value in _flat(each, "", 0):
                if path in self._values or (len(self._values) < _MOST_PATHS and _WRITABLE.fullmatch(path)):
                    self._values.setdefault(path, []).append(value)
        wanted = _SHARE * len(objects)
        self._values = {path: values for path, values in self._values.items() if len(values) >= wanted}

    def called(self, names: Sequence[str], endings: Sequence[str] = ("",)) -> Iterator[tuple[str, list[Any]]]:
        """Paths called so, the likeliest name first, and of one name those that lie least deep."""
        for name in names:
            wanted = {name + ending for ending in endings}
            for path in sorted(self._values, key=lambda each: each.count(".")):
                parts = path.split(".")
                if wanted & {_bare(parts[-1]), _bare("".join(parts[-2:])), _bare(path)}:
                    yield path, self._values[path]

    def first(self, names: Sequence[str], fits: Callable[[Any], bool], but: set[str] | None = None) -> str:
        """The likeliest path whose values all fit; empty where there is none."""
        found = (path for path, values in self.called(names) if path not in (but or ()) and all(map(fits, values)))
        return next(found, "")

    def moment(self, names: Sequence[str]) -> tuple[str, str]:
        """The likeliest path of moments, and their unit."""
        for path, values in self.called(names, ("", "ms", "ns", "us", "s", "unixnano", "millis")):
            for unit in ("text", *PER_SECOND):
                if all(_within_century(moment_s(value, unit)) for value in values):
                    return path, unit
        return "", ""


def _flat(value: dict[str, Any], before: str, depth: int) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        path = f"{before}{name}"
        if isinstance(inner, dict):
            if depth < _MOST_DEPTH:
                yield from _flat(inner, f"{path}.", depth + 1)
        elif not isinstance(inner, list) and inner is not None:
            yield path, inner


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9@]", "", name.lower())


def _plain(topic: str) -> str:
    return topic.replace('"', "")[:200]


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 200


def _is_operation(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 1_000 and (value[0] == "/" or any(map(str.isalpha, value)))


def _within_century(seconds: float | None) -> bool:
    return seconds is not None and _CENTURY_S[0] <= seconds <= _CENTURY_S[1]


def _duration(seen: _Seen, started: str, unit: str) -> ProposedField | None:
    for wanted, endings in _UNIT_ENDINGS:
        for path, values in seen.called(_DURATION, endings):
            if all((duration_s(value, wanted) or 0) >= 0 and _is_number(value) for value in values):
                return ProposedField("duration_ms", f"{path}:{wanted}", "its name says what it counts")
    for path, values in seen.called(_DURATION):
        if all(isinstance(value, str) and duration_s(value, "text") is not None for value in values):
            return ProposedField("duration_ms", f"{path}:text", "its values say what they count")
        if all(_is_number(value) and float(value) >= 0 for value in values):
            guessed = _guessed_unit([float(value) for value in values])
            why = f"that it counts {guessed} is a guess from its values: nothing says so"
            return ProposedField("duration_ms", f"{path}:{guessed}", why)
    end, unit_of_end = seen.moment(_END)
    if started and end and end != started and unit_of_end == unit:
        return ProposedField("duration_ms", f"{started}..{end}:{unit}", "from one moment to the other")
    return None


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int | float):
        return True
    return isinstance(value, str) and duration_s(value, "s") is not None


def _guessed_unit(values: Sequence[float]) -> str:
    """Requests take from a millisecond to a minute: what is far beyond counts something smaller."""
    middle = sorted(values)[len(values) // 2]
    if middle >= 1e7:
        return "ns"
    if middle >= 1e5:
        return "us"
    return "s" if middle < 10 and any(value != int(value) for value in values) else "ms"


def _status(seen: _Seen) -> ProposedField | None:
    for path, values in seen.called(_STATUS):
        if rule := _outcome(path, values):
            return ProposedField("status", f"{path}:{rule}", "its values say how it ended")
    return None


def _outcome(path: str, values: Sequence[Any]) -> str:
    if all(isinstance(value, bool) for value in values):
        return "error=true" if _bare(path.split(".")[-1]) in _words("failed failure iserror error") else "ok=true"
    codes = [str(value) for value in values]
    if all(len(code) == 3 and code.isdigit() and code[0] in "12345" for code in codes):
        return "error=5xx"
    spoken = {code.strip().lower() for code in codes}
    if spoken <= {*_ERRORS, *_GOOD}:
        return f"error={'|'.join(_ERRORS)}"
    return ""

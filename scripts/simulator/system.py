"""What a simulated system is made of: applications, their operations, the steps of these, and who calls whom."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tracehound.schemas.execution import ExecutionFailure, ExecutionKind, SegmentKind

FIRST_VERSION = "1.0.0"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing an operation does, in order.

    A call to another application has ``operation`` set, ``peer`` names that application, and ``median_ms`` is
    the time on the network alone; otherwise ``median_ms`` is the whole step. Durations are lognormal with
    ``spread`` as the standard deviation of the logarithm, and ``added_ms`` comes on top. The step is taken with
    ``probability``, and then ``repeats`` times in a row.
    """

    kind: SegmentKind
    name: str
    peer: str | None
    median_ms: float
    spread: float
    operation: str | None = None
    probability: float = 1.0
    repeats: int = 1
    added_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Message:
    """What an operation sends when it has succeeded: to which Kafka topic, and who takes it there.

    ``number`` tells it apart from the segments of the execution that sends it.
    """

    topic: str
    application: str
    operation: str
    number: int = 0xFFFF

    @property
    def queue(self) -> str:
        """What the queue is called as a peer."""
        return f"kafka {self.topic}"


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation: its own lognormal time around the steps, and how often it fails by itself.

    ``error_rate`` is the probability of one of the usual failures, ``failures`` are further ones with theirs.
    With probability ``detour_share`` the steps are those of ``detour`` instead. Where ``served_every_ms`` is not
    0, the application gets one execution done in so many milliseconds, and the others wait. The memory peaks
    around ``memory_mb``, plus ``leak_mb_per_s`` for each second since ``leak_since_s`` (epoch seconds). ``sends`` is a
    message to another application; where ``taken_every_ms`` is not 0, the operation takes one in so many milliseconds.
    """

    name: str
    median_ms: float
    spread: float
    steps: tuple[Step, ...]
    error_rate: float = 0.002
    kind: ExecutionKind = "request"
    failures: tuple[tuple[float, ExecutionFailure], ...] = ()
    detour: tuple[Step, ...] = ()
    detour_share: float = 0.0
    served_every_ms: float = 0.0
    memory_mb: float = 96.0
    leak_mb_per_s: float = 0.0
    leak_since_s: float = 0.0
    sends: Message | None = None
    taken_every_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class System:
    """Applications with their operations, and where requests enter: (application, operation, weight).

    ``silent`` applications refuse all calls and report nothing. Of the executions of an application in
    ``elsewhere`` that share happens, with all that they call, where nobody watches. ``versions`` has the
    applications that are not at the first version.
    """

    applications: Mapping[str, Mapping[str, Operation]]
    entries: Sequence[tuple[str, str, float]]
    silent: frozenset[str] = frozenset()
    elsewhere: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def calls(self) -> Iterator[tuple[str, str, Step]]:
        """Every call between applications: caller, its operation, and the step."""
        for application, operations in self.applications.items():
            for operation in operations.values():
                for step in operation.steps:
                    if step.operation is not None:
                        yield application, operation.name, step

    def messages(self) -> Iterator[tuple[str, str, Message]]:
        """Every message: its sender, the operation that sends it, and the message."""
        for application, operations in self.applications.items():
            for operation in operations.values():
                if operation.sends is not None:
                    yield application, operation.name, operation.sends

    def receivers(self, applications: Container[str]) -> set[str]:
        """Applications that take messages of these."""
        return {message.application for sender, _, message in self.messages() if sender in applications}

    def ancestors(self, application: str) -> set[str]:
        """Applications that call this one, directly or through others."""
        return _closure(application, {(step.peer or "", caller) for caller, _, step in self.calls()})

    def descendants(self, application: str) -> set[str]:
        """Applications that this one calls, directly or through others."""
        return _closure(application, {(caller, step.peer or "") for caller, _, step in self.calls()})

    def requests(self) -> float:
        """The sum of the weights of all entries."""
        return sum(weight for _, _, weight in self.entries)

    def executions_per_request(self) -> float:
        """How many executions one request leads to, on average."""
        return sum(self.mix().values())

    def mix(self) -> dict[tuple[str, str], float]:
        """Expected executions by (application, operation) of an average request, without those that take messages."""
        found: dict[tuple[str, str], float] = {}
        for entry in self.entries:
            for key, times in self.shares(entry).items():
                found[key] = found.get(key, 0.0) + times * entry[2] / self.requests()
        return found

    def shares(self, entry: tuple[str, str, float]) -> dict[tuple[str, str], float]:
        """Expected executions by (application, operation) of one request at ``entry``."""
        found: dict[tuple[str, str], float] = {}

        def visit(application: str, name: str, times: float) -> None:
            found[application, name] = found.get((application, name), 0.0) + times
            for step in self.applications[application][name].steps:
                if step.operation is not None and step.peer is not None:
                    visit(step.peer, step.operation, times * step.probability)

        visit(entry[0], entry[1], 1.0)
        return found


def _closure(start: str, edges: set[tuple[str, str]]) -> set[str]:
    found: set[str] = set()
    open_ends = [start]
    while open_ends:
        at = open_ends.pop()
        for here, there in edges:
            if here == at and there not in found:
                found.add(there)
                open_ends.append(there)
    return found - {start}

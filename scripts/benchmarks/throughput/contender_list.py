"""The contenders of the throughput benchmark: which programs they are, what they read, and what may be missing."""

import re
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import tracehound
from tracehound.infra.kafka.broker import Broker
from tracehound.infra.kafka.ports import free_ports
from tracehound.schemas.topics import DAY_MS, Topic, Topics
from tracehound.scripts.benchmarks.builds import Build
from tracehound.scripts.benchmarks.measured_process import Program
from tracehound.scripts.benchmarks.throughput.contenders.jvm_rcf.build import java_command
from tracehound.scripts.benchmarks.throughput.contenders.jvm_rcf.build import why_not as why_no_java

Workload = Literal["single", "arrays", "short", "grown"]
"""One execution per record; many executions of one application per record; single ones, fewer, for slow contenders;
more of those, so that forests have grown."""

_PROGRAMS: Final = "tracehound.scripts.benchmarks.throughput.contenders"
_SCRAPE_S: Final = 0.5  # our worker pays for every answer
_TAIL_BYTES: Final = 4_096
_IMPORTED_FROM: Final = Path(tracehound.__file__).parents[1]
QUIX_PYTHON: Final = Path(sys.prefix) / "quix" / "bin" / "python"
"""The interpreter that has Quix Streams; it wants other versions of what we use, too."""


@dataclass(frozen=True, slots=True)
class Field:
    """Where a contender runs: the broker, the topics it reads, a group and a folder of its own."""

    broker: Broker
    topics: Topics
    group: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Contender:
    """A program that reads a workload. ``why_not`` tells why it cannot run on a broker here, or None if it can.

    ``saves_states`` says that it would go on where the last worker on these topics left off. ``changelogs`` are the
    topics that its framework would create, compacted, if every broker let it.
    """

    name: str
    workload: Workload
    about: str
    program: Callable[[Field], Program]
    why_not: Callable[[bool], str | None] = lambda embedded: None  # noqa: ARG005 (it can)
    saves_states: bool = False
    changelogs: Callable[[Field], tuple[Topic, ...]] = lambda field: ()  # noqa: ARG005 (none)


def _worker(*command: str) -> Callable[[Field], Program]:
    def program(field: Field) -> Program:
        [port] = free_ports(1)
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": field.broker.bootstrap_servers,
            "TRACEHOUND_TOPIC_PREFIX": field.topics.prefix,
            "TRACEHOUND_PARTITIONS": str(field.topics.partitions),
            "TRACEHOUND_GROUP_ID": field.group,
            "TRACEHOUND_HTTP_PORT": str(port),
            "TRACEHOUND_STALL_TIMEOUT_S": "600",  # the first worker after a change compiles the kernels
            "TRACEHOUND_BROKER_IS_EMBEDDED": str(field.broker.embedded).lower(),
        }
        metrics = Metrics(f"http://127.0.0.1:{port}/metrics")
        log = field.folder / "log"
        return Program([sys.executable, *command], environment, log, metrics.scored, _SCRAPE_S, metrics.losses)

    return program


class Metrics:
    """What a worker says of itself; keeps the last answer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.text = ""

    def scored(self) -> int:
        """Executions scored so far; 0 while it does not answer."""
        try:
            with urllib.request.urlopen(self._url, timeout=10) as answer:  # noqa: S310 (always http)
                self.text = answer.read().decode()
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return 0
        return int(self._sum("executions"))

    def losses(self) -> str:
        """What the last answer counts that must not happen here; empty where there is none."""
        names = ("dead_letters", "forwarded", "duplicates_skipped", "offsets_lost")
        counts = {name: self._sum(name) for name in names}
        return ", ".join(f"{name}: {count:g}" for name, count in counts.items() if count)

    def _sum(self, name: str) -> float:
        return sum(map(float, re.findall(rf"^tracehound_{name}_total(?:{{.*}})? (\S+)$", self.text, re.MULTILINE)))


def _printing(command: Callable[[Field], list[str]], environment: Mapping[str, str]) -> Callable[[Field], Program]:
    def program(field: Field) -> Program:
        log = field.folder / "log"
        return Program(command(field), environment, log, lambda: last_count(log))

    return program


def last_count(log: Path) -> int:
    """The last count that stands in a log in a line of its own; 0 where there is none yet."""
    with log.open("rb") as file:
        begin = max(0, log.stat().st_size - _TAIL_BYTES)
        file.seek(begin)
        lines = file.read().split(b"\n")
    whole = lines[1 if begin else 0 : -1]
    return next((int(line) for line in reversed(whole) if line.isdigit()), 0)


def _bare(name: str) -> Callable[[Field], Program]:
    def command(field: Field) -> list[str]:
        module = f"{_PROGRAMS}.{name}"
        topic = field.topics.executions.name
        return [sys.executable, "-m", module, field.broker.bootstrap_servers, topic, field.group]

    return _printing(command, {})


def _faust(how: str) -> Callable[[Field], Program]:
    def command(field: Field) -> list[str]:
        module = f"{_PROGRAMS}.faust_river"
        topic, partitions = field.topics.executions.name, str(field.topics.partitions)
        return [sys.executable, "-m", module, how, field.broker.bootstrap_servers, topic, partitions, field.group]

    return _printing(command, {})


def _faust_changelogs(field: Field) -> tuple[Topic, ...]:
    name = f"{field.group}-scored-changelog"
    return (Topic(name, "application", field.topics.partitions, DAY_MS, "count", {"cleanup.policy": "compact"}),)


def _quix(field: Field) -> list[str]:
    topic, state = field.topics.executions.name, str(field.folder / "state")
    module = f"{_PROGRAMS}.quix_river"
    return [str(QUIX_PYTHON), "-m", module, field.broker.bootstrap_servers, topic, field.group, state]


def _why_no_quix(embedded: bool) -> str | None:
    if embedded:
        return "Quix Streams creates changelog topics, which the embedded broker lets no client do."
    if not QUIX_PYTHON.exists():
        return f"Quix Streams is not installed for {QUIX_PYTHON}; `make bench-throughput` installs it."
    return None


def _jvm(field: Field) -> list[str]:
    topic, state = field.topics.executions.name, field.folder / "state"
    return java_command(field.broker.bootstrap_servers, topic, field.group, state)


def _why_no_jvm(embedded: bool) -> str | None:
    return (
        "Kafka Streams creates changelog topics, which the embedded broker lets no client do."
        if embedded
        else why_no_java()
    )


_WORKER: Final = _worker("-m", "tracehound", "worker")
_OFF: Final = _worker("-m", f"{_PROGRAMS}.detection_off")

CONTENDERS: Final = (
    Contender("tracehound", "single", "our worker with everything on", _WORKER, saves_states=True),
    Contender("tracehound_arrays", "arrays", "the same, many executions per record", _WORKER, saves_states=True),
    Contender("detection_off", "single", "our worker with a core that judges nothing", _OFF, saves_states=True),
    Contender("detection_off_arrays", "arrays", "the same, many executions per record", _OFF, saves_states=True),
    Contender("bare_detectors", "single", "confluent-kafka with our detectors, nothing else", _bare("bare_detectors")),
    Contender("bare_detectors_arrays", "arrays", "the same, many executions per record", _bare("bare_detectors")),
    Contender("bare_decode", "single", "confluent-kafka that only decodes", _bare("bare_decode")),
    Contender("bare_decode_arrays", "arrays", "the same, many executions per record", _bare("bare_decode")),
    Contender("faust_river_no_table", "short", "Faust with River's 10 half-space trees, no table", _faust("no-table")),
    Contender("faust_river", "short", "the same with a table", _faust("table"), changelogs=_faust_changelogs),
    Contender(
        "faust_river_take",
        "short",
        "the same with a table, many events at a time (`take`) and a producer that lingers",
        _faust("take"),
        changelogs=_faust_changelogs,
    ),
    Contender(
        "quix_river",
        "short",
        "Quix Streams with River's 10 half-space trees and state",
        _printing(_quix, {"PYTHONPATH": str(_IMPORTED_FROM)}),
        _why_no_quix,
    ),
    Contender(
        "jvm_rcf",
        "grown",
        "Kafka Streams with Random Cut Forests of 50 trees, grown to 3,000 executions, and a state store",
        _printing(_jvm, {}),
        _why_no_jvm,
    ),
)
"""All of them, in the order in which they take turns."""
COMPARED: Final = ("tracehound", "tracehound_arrays", "detection_off", "detection_off_arrays")
"""Those that another build of ours has, too."""


def of_build(contender: Contender, build: Build) -> Contender:
    """The same contender as another build has it, with the libraries that are installed here."""

    def program(field: Field) -> Program:
        own = contender.program(field)
        return replace(own, environment={**own.environment, "PYTHONPATH": str(build.folder)})

    about = f"{contender.about}, as of {build.name}"
    return replace(contender, name=f"{contender.name}-{build.name}", about=about, program=program)

"""The embedded broker: librdkafka's mock cluster, which the confluent-kafka wheel brings along, by ctypes.

It speaks Kafka's protocol well enough for producers, consumer groups and Faust tables, keeps everything in
memory (about 5 MB a partition, older records are dropped) and can be told to fail. It is for trying out and
for tests, never for production: no CreateTopics for admin clients, no replication, no security.
"""

import ctypes
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import confluent_kafka

from tracehound.infra.kafka.closing import ClosedAtExit
from tracehound.schemas.errors import BrokerError

Argument = str | int | list[int]

DEFAULT_REBALANCE_DELAY_MS = 500
_TOPIC_ALREADY_EXISTS = 36
_ERROR_TEXT_BYTES = 512
_PRODUCER = 0

_pointer = ctypes.c_void_p
_text = ctypes.c_char_p

# Every function of librdkafka that is used: name → result and arguments.
_SIGNATURES: Mapping[str, tuple[Any, tuple[Any, ...]]] = {
    "rd_kafka_conf_new": (_pointer, ()),
    "rd_kafka_conf_set": (ctypes.c_int, (_pointer, _text, _text, _text, ctypes.c_size_t)),
    "rd_kafka_new": (_pointer, (ctypes.c_int, _pointer, _text, ctypes.c_size_t)),
    "rd_kafka_destroy": (None, (_pointer,)),
    "rd_kafka_err2str": (_text, (ctypes.c_int,)),
    "rd_kafka_mock_cluster_new": (_pointer, (_pointer, ctypes.c_int)),
    "rd_kafka_mock_cluster_destroy": (None, (_pointer,)),
    "rd_kafka_mock_cluster_bootstraps": (_text, (_pointer,)),
    "rd_kafka_mock_topic_create": (ctypes.c_int, (_pointer, _text, ctypes.c_int, ctypes.c_int)),
    "rd_kafka_mock_broker_set_down": (ctypes.c_int, (_pointer, ctypes.c_int32)),
    "rd_kafka_mock_broker_set_up": (ctypes.c_int, (_pointer, ctypes.c_int32)),
    "rd_kafka_mock_broker_set_rtt": (ctypes.c_int, (_pointer, ctypes.c_int32, ctypes.c_int)),
    "rd_kafka_mock_partition_delete_records": (
        ctypes.c_int,
        (_pointer, _text, ctypes.c_int32, ctypes.c_int64),
    ),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, (_pointer, ctypes.c_int32)),
    "rd_kafka_mock_clear_request_errors": (None, (_pointer, ctypes.c_int16)),
    "rd_kafka_mock_push_request_errors_array": (
        None,
        (_pointer, ctypes.c_int16, ctypes.c_size_t, ctypes.POINTER(ctypes.c_int)),
    ),
}


def library_candidates(package: Path) -> list[Path]:
    """Files that may be the librdkafka bundled with the confluent_kafka at ``package``, best first."""
    patterns = (
        (package.parent / "confluent_kafka.libs", "librdkafka*.so*"),  # manylinux, musllinux (auditwheel)
        (package / ".dylibs", "librdkafka*.dylib"),  # macOS (delocate)
        (package.parent / "confluent_kafka.libs", "librdkafka*.dll"),  # Windows (delvewheel)
    )
    return [file for folder, pattern in patterns for file in sorted(folder.glob(pattern))]


def load_library(package: Path) -> ctypes.CDLL:
    """Load librdkafka bundled with the confluent_kafka package at ``package`` and declare the functions used.

    Raises:
        BrokerError: there is no bundled library, or it lacks the mock cluster.
    """
    candidates = library_candidates(package)
    if not candidates:
        raise BrokerError(
            "The embedded broker needs the librdkafka that confluent-kafka's wheels contain, and found none "
            f"beside {package} (looked for confluent_kafka.libs/librdkafka*.so* and "
            ".dylibs/librdkafka*.dylib). Install confluent-kafka from a wheel: "
            "pip install --force-reinstall --only-binary :all: confluent-kafka"
        )
    try:
        library = ctypes.CDLL(str(candidates[0]))
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise BrokerError(f"The embedded broker cannot use {candidates[0]}: {error}") from error
    return library


@cache
def _library() -> ctypes.CDLL:
    return load_library(Path(confluent_kafka.__file__).parent)


class EmbeddedControl(ClosedAtExit):
    """What one can do to an embedded broker, wherever it runs: create topics and inject faults.

    Brokers are numbered from 1. Every verb raises BrokerError if the mock cluster refuses.
    """

    bootstrap_servers: str

    @abstractmethod
    def call(self, function: str, *arguments: Argument) -> int:
        """Call ``rd_kafka_mock_<function>`` on the cluster; returns librdkafka's error code, 0 for none."""

    def create_topic(self, name: str, partitions: int) -> bool:
        """Create a topic; False if it existed (its partitions stay as they are)."""
        if partitions < 1:
            raise BrokerError(f"The topic {name!r} needs at least 1 partition. Got {partitions} instead.")
        code = self.call("topic_create", name, partitions, 1)
        if code not in (0, _TOPIC_ALREADY_EXISTS):
            raise BrokerError(f"The embedded broker refuses the topic {name!r}: {_describe(code)}.")
        return code == 0

    def broker_down(self, broker: int = 1) -> None:
        """Close a broker's connections and refuse new ones. Its records stay."""
        self._must("broker_set_down", broker)

    def broker_up(self, broker: int = 1) -> None:
        """Let a broker accept connections again."""
        self._must("broker_set_up", broker)

    def set_round_trip_time(self, milliseconds: int, broker: int = 1) -> None:
        """Delay every answer of a broker."""
        self._must("broker_set_rtt", broker, milliseconds)

    def fail_requests(self, api_key: int, errors: Sequence[int]) -> None:
        """Answer the next ``len(errors)`` requests of one kind by errors.

        ``api_key`` is Kafka's (0 Produce, 1 Fetch …), each error a code of ``confluent_kafka.KafkaError``;
        0 lets one request through.
        """
        self.call("push_request_errors_array", api_key, list(errors))

    def clear_failures(self, api_key: int) -> None:
        """Forget the failures still pending for one kind of request."""
        self.call("clear_request_errors", api_key)

    def delete_records(self, topic: str, partition: int, before_offset: int) -> None:
        """Delete a partition's records below an offset, as retention would."""
        self._must("partition_delete_records", topic, partition, before_offset)

    def _must(self, function: str, *arguments: Argument) -> None:
        code = self.call(function, *arguments)
        if code:
            raise BrokerError(f"The embedded broker refuses {function}{list(arguments)}: {_describe(code)}.")


class EmbeddedBroker(EmbeddedControl):
    """An embedded broker in this process, started by the constructor. Close it, or use it in a ``with``.

    Workers that are to outlive or be isolated from this process want ``EmbeddedBrokerProcess``.

    Parameters:
        brokers: how many brokers the cluster pretends to have.
        topics: partitions of each topic to create.
        rebalance_delay_ms: how long a new consumer group waits for further members.

    Raises:
        BrokerError: the library is missing or refuses.

    >>> with EmbeddedBroker(topics={"greetings": 2}) as broker:
    ...     broker.create_topic("greetings", 2)
    False
    """

    def __init__(
        self,
        brokers: int = 1,
        topics: Mapping[str, int] | None = None,
        rebalance_delay_ms: int = DEFAULT_REBALANCE_DELAY_MS,
    ) -> None:
        if brokers < 1:
            raise BrokerError(f"The embedded broker's 'brokers' must be at least 1. Got {brokers} instead.")
        self._kafka = _new_client()
        self._cluster: int | None = _library().rd_kafka_mock_cluster_new(self._kafka, brokers)
        if not self._cluster:
            _library().rd_kafka_destroy(self._kafka)
            raise BrokerError("The embedded broker cannot start: librdkafka made no mock cluster (no free port?).")
        self.bootstrap_servers: str = _library().rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        self.call("group_initial_rebalance_delay_ms", rebalance_delay_ms)
        for name, partitions in (topics or {}).items():
            self.create_topic(name, partitions)

    def call(self, function: str, *arguments: Argument) -> int:
        """Call a function of the mock cluster; see ``EmbeddedControl.call``."""
        name = f"rd_kafka_mock_{function}"
        if name not in _SIGNATURES:
            raise BrokerError(f"The embedded broker has no function {function!r}.")
        if self._cluster is None:
            raise BrokerError("The embedded broker is closed.")
        result = getattr(_library(), name)(self._cluster, *_to_c(arguments))
        return int(result or 0)

    def close(self) -> None:
        """Stop the broker; its records are gone. Closing twice is harmless."""
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            _library().rd_kafka_mock_cluster_destroy(cluster)
            _library().rd_kafka_destroy(self._kafka)


def _new_client() -> int:
    library = _library()
    text = ctypes.create_string_buffer(_ERROR_TEXT_BYTES)
    conf = library.rd_kafka_conf_new()
    library.rd_kafka_conf_set(conf, b"client.id", b"tracehound-embedded-broker", text, _ERROR_TEXT_BYTES)
    library.rd_kafka_conf_set(conf, b"log_level", b"3", text, _ERROR_TEXT_BYTES)  # errors only
    kafka: int | None = library.rd_kafka_new(_PRODUCER, conf, text, _ERROR_TEXT_BYTES)
    if not kafka:
        raise BrokerError(f"The embedded broker cannot start: {text.value.decode(errors='replace')}")
    return kafka


def _to_c(arguments: Sequence[Argument]) -> list[Any]:
    converted: list[Any] = []
    for argument in arguments:
        if isinstance(argument, str):
            converted.append(argument.encode())
        elif isinstance(argument, list):
            converted += [len(argument), (ctypes.c_int * len(argument))(*argument)]
        else:
            converted.append(argument)
    return converted


def _describe(code: int) -> str:
    text: bytes = _library().rd_kafka_err2str(code)
    return f"{text.decode()} ({code})"

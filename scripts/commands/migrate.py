"""The command `tracehound migrate`: takes what was learned along to topics of another partition count."""

from collections.abc import Iterable, Iterator

import click
from aiokafka import ConsumerRecord
from confluent_kafka import KafkaError, Message, Producer

from tracehound.infra.kafka.topics import check_topics, connect
from tracehound.schemas.errors import BrokerError, ConfigurationError, TracehoundError
from tracehound.schemas.model_state import Head, ModelState, RecordKey, pack_state
from tracehound.scripts.commands.stored_states import stored_states
from tracehound.scripts.kafka.clients import admin_config, producer_config
from tracehound.scripts.kafka.groups import committed_of, members_of, waiting_for
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.kafka.forwarding import Partitioner
from tracehound.streams.settings.settings import Settings, load_settings
from tracehound.streams.states.placed_states import PlacedState, PlacedStates

_FLUSH_S = 120.0
_POLL_S = 0.1
_INCIDENTS = PlacedStates("incidents")

_Record = tuple[str, bytes, bytes, int]
"""Topic, key, value and partition (-1: as the key says)."""


@click.command()
@click.option("--from-prefix", required=True, help="Of the topics that were used until now.")
def migrate(from_prefix: str) -> None:
    """Take models, incidents, settings of applications and maintenance windows along to new topics.

    Partitions are never added to a topic of applications: make topics anew, under another topic_prefix and with the
    count that you want. Senders write to the new ones, the old processes finish and end, then this takes along what
    they knew, and the new processes begin. Until those have begun it may be repeated.

    \b
    export TRACEHOUND_TOPIC_PREFIX=tracehound-24. TRACEHOUND_PARTITIONS=24
    tracehound topics
    tracehound migrate --from-prefix tracehound.
    """
    new = load_settings()
    if from_prefix == new.topic_prefix:
        raise ConfigurationError(
            f"The setting 'topic_prefix' must be that of the new topics, which --from-prefix is not. Got "
            f"{from_prefix!r} for both instead."
        )
    old = new.model_copy(update={"topic_prefix": from_prefix})
    if problems := check_topics(admin_config(new), new.topics):
        raise ConfigurationError("\n".join(problems))
    with TopicReader(new) as reader:
        _refuse_too_late(new)
        _refuse_too_early(old, reader)
        counts = dict.fromkeys(("applications", "settings", "maintenance windows", "incidents"), 0)
        sender = _Sender(new)
        for what, records in _taken(old, new, reader):
            sender.send(records)
            counts[what] += 1
        sender.finish()
    taken = ", ".join(f"{count:,} {what}" for what, count in counts.items() if what != "incidents")
    incidents = "the incidents" if counts["incidents"] else "no incidents"
    click.echo(
        f"Took {taken} and {incidents} from {from_prefix} to {new.topic_prefix}; now the new processes may begin."
    )


def _refuse_too_early(old: Settings, reader: TopicReader) -> None:
    """Unless the old processes have done all that there was, and have ended."""
    topics, client = old.topics, connect(admin_config(old))
    incidents = (topics.incident_input.name, topics.feedback.name, topics.maintenance.name)
    groups = {
        "worker": (old.group_id, (topics.executions.name, topics.control.name)),
        "incidents": (old.incident_worker.group_id, incidents),
    }
    for command, (group, read) in groups.items():
        if waiting := waiting_for(group, read, reader, old):
            raise TracehoundError(
                f"The old processes must have read all that was sent to them. For `tracehound {command}` (group "
                f"{group!r}) wait {waiting:,} records of {', '.join(read)}: send to the new topics, and let it finish."
            )
        if members_of(group, client):
            raise TracehoundError(
                f"The old processes must have ended. In the group {group!r} there are: end `tracehound {command}`."
            )


def _refuse_too_late(new: Settings) -> None:
    """Once workers have begun, what they have learned would be replaced."""
    topic = new.topics.executions
    if committed_of(new.group_id, [(topic.name, number) for number in range(topic.partitions)], new):
        raise TracehoundError(
            f"The new workers must not have begun. The group {new.group_id!r} has read {topic.name}: what they have "
            "learned would be replaced. Take yet another prefix, or bring single models by `tracehound models import`."
        )


def _taken(old: Settings, new: Settings, reader: TopicReader) -> Iterator[tuple[str, list[_Record]]]:
    """What is taken along, thing by thing, a partition of states in memory at a time."""
    topic, partitioner = new.topics.model_states, Partitioner(new.topics.model_states.partitions)
    for number, end in reader.ends(old.topics.model_states.name).items():
        found, unusable = stored_states(reader.scan(old.topics.model_states.name, {number: end}))
        if unusable:
            click.echo(f"{unusable} records of partition {number} of {old.topics.model_states.name} are unusable.")
        for one in found.values():
            state = _at_the_beginning(one.state)
            where = partitioner.partition_of(state.application)
            records = [
                (topic.name, RecordKey(*state.key, 0, 0, index).encoded(), value, where)
                for index, value in enumerate(pack_state(state))
            ]
            yield "applications", records
    yield from _incidents(old, new, reader)
    compacted = {"settings": "settings", "maintenance windows": "maintenance"}
    for what, name in compacted.items():
        source, target = getattr(old.topics, name).name, getattr(new.topics, name).name
        for key, value in _newest(reader.scan(source, reader.ends(source))).items():
            yield what, [(target, key, value, -1)]


def _at_the_beginning(state: ModelState) -> ModelState:
    """The same models, for topics of which nothing has been read."""
    head = state.head
    begun = Head(0, [], head.newest_event_s, head.scored_at_s, first_scored_at_s=head.first_scored_at_s)
    return ModelState(state.application, state.environment, begun, state.snapshot)


def _incidents(old: Settings, new: Settings, reader: TopicReader) -> Iterator[tuple[str, list[_Record]]]:
    source, target = old.topics.incident_states.name, new.topics.incident_states.name
    values = _newest(reader.scan(source, reader.ends(source))).values()
    known, problems = _INCIDENTS.unpack(0, values)
    for problem in problems:
        click.echo(problem)
    if known is not None:
        pieces = _INCIDENTS.pack(0, PlacedState(0, known.snapshot))
        yield "incidents", [(target, f"0/0/0/{index}".encode(), piece, 0) for index, piece in enumerate(pieces)]


def _newest(messages: Iterable[ConsumerRecord]) -> dict[bytes, bytes]:
    """The newest value of each key, as compaction would leave them."""
    found: dict[bytes, bytes] = {}
    for message in messages:
        key, value = message.key or b"", message.value
        found.pop(key, None)
        if value is not None:
            found[key] = value
    return found


class _Sender:
    """Sends records, and in the end waits until the broker has all of them."""

    def __init__(self, settings: Settings) -> None:
        self._producer = Producer(producer_config(settings))
        self._servers = settings.bootstrap_servers
        self._failures: list[str] = []

    def send(self, records: Iterable[_Record]) -> None:
        for topic, key, value, partition in records:
            while True:
                try:
                    self._producer.produce(topic, value, key, partition, on_delivery=self._delivered)
                    break
                except BufferError:  # as many wait as may
                    self._producer.poll(_POLL_S)
            self._producer.poll(0)

    def finish(self) -> None:
        if self._producer.flush(_FLUSH_S) or self._failures:
            why = self._failures[0] if self._failures else f"no acknowledgement within {_FLUSH_S:.0f} s"
            raise BrokerError(f"The broker at {self._servers} did not take all that was to be taken along: {why}.")

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._failures.append(str(error))

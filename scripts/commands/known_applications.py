"""Which applications are known, so that a misspelt name is refused at once instead of being waited for."""

from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches

import msgspec
from aiokafka import ConsumerRecord

from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.model_state import read_key
from tracehound.schemas.progress import Progress
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.settings.settings import Settings

_NEWEST = 5_000
"""Progress records of each partition that are looked at first; every application that is alive is among them."""
_LISTED = 8
_decode = msgspec.json.Decoder(Progress).decode


def require_known(
    reader: TopicReader, settings: Settings, application: str | None, environment: str | None = None
) -> None:
    """Nothing if the application is known in that environment (None: any), or if nothing is known at all yet.

    Raises:
        TracehoundError: it is not; the message says what is like it, and what is known.
        BrokerError: no broker answers, or the topics are not there.
    """
    wanted = (application, environment)
    seen = {(one.application, one.environment) for one in newest_progress(reader, settings)}
    if not _among(wanted, seen):
        states = settings.topics.model_states.name
        seen |= set(_owners(reader.scan(states, reader.ends(states))))
    if seen and not _among(wanted, seen):
        raise TracehoundError(not_known(application, environment, seen))


def newest_progress(reader: TopicReader, settings: Settings) -> Iterator[Progress]:
    """The newest progress records, at most 5,000 of each partition.

    Raises:
        BrokerError: no broker answers, or the topic does not exist.
    """
    topic = settings.topics.progress.name
    ends = {number: (max(low, high - _NEWEST), high) for number, (low, high) in reader.ends(topic).items()}
    for message in reader.scan(topic, ends):
        try:
            yield _decode(message.value or b"")
        except (msgspec.DecodeError, ValueError, RecursionError):
            continue  # written by somebody else


def not_known(application: str | None, environment: str | None, known: Collection[ApplicationKey]) -> str:
    """The sentence about an application, or an environment, that is not among those known.

    >>> not_known("shpo", None, [("shop", ""), ("bank", "")])
    "There is no application 'shpo'. Did you mean 'shop'? Known: bank, shop."
    >>> not_known("shop", "prd", [("shop", "prod"), ("bank", "")])
    "There is no environment 'prd' of the application 'shop'. Did you mean 'prod'? Known: prod."
    """
    names = sorted({name for name, _ in known})
    if application is not None and application not in names:
        return f"There is no application {application!r}.{_offered(application, names)}"
    of = "" if application is None else f" of the application {application!r}"
    environments = sorted({where for name, where in known if application in (None, name)})
    return f"There is no environment {environment!r}{of}.{_offered(environment or '', environments)}"


def _offered(given: str, names: list[str]) -> str:
    near = get_close_matches(given, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    shown = ", ".join(name or "'' (none)" for name in names[:_LISTED])
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{hint} Known: {shown}{more}." if names else hint


def _among(wanted: tuple[str | None, str | None], known: Iterable[ApplicationKey]) -> bool:
    application, environment = wanted
    return any(application in (None, name) and environment in (None, where) for name, where in known)


def _owners(messages: Iterable[ConsumerRecord]) -> Iterator[ApplicationKey]:
    for message in messages:
        named = read_key(message.key)
        if named is not None:
            yield named.application, named.environment

"""Sends settings of an application to the topic that workers have them from, checked as they check them."""

from collections.abc import Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.own_settings.queries import told
from tracehound.console.own_settings.versions import Versions
from tracehound.console.web.answers import JSON, NO_STORE
from tracehound.console.web.console import Console
from tracehound.console.web.problems import invalid
from tracehound.console.web.roles import Visitor
from tracehound.detectors.candidates import with_candidate
from tracehound.schemas.application_settings import MOST_SETTINGS, ApplicationSettings, settings_key
from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.execution import ApplicationKey
from tracehound.streams.http.refusal import RequestRefusedError
from tracehound.streams.http.sending import Record
from tracehound.streams.kafka.forwarding import Partitioner


async def send_settings(
    request: Request,
    console: Console,
    visitor: Visitor,
    before: ApplicationSettings | None,
    key: ApplicationKey,
    settings: Mapping[str, float],
    why: str,
    after: int | None = None,
) -> Response:
    """Have an application judged by these settings of its own, as the version after ``before``.

    Raises:
        RequestRefusedError: workers would refuse them (400), ``after`` is given and another version is the newest
            (409), or Kafka has not taken them.
    """
    if len(settings) > MOST_SETTINGS:
        raise invalid(
            f"An application may have at most {MOST_SETTINGS} settings of its own. Got {len(settings)} instead."
        )
    try:
        with_candidate(console.settings.detection, settings)
    except ConfigurationError as error:
        raise invalid(str(error)) from error
    versions: Versions = request.app.state.own_versions
    version = versions.take(key, before.version if before is not None else 0, after)
    said = ApplicationSettings(
        application=key[0],
        environment=key[1],
        version=version,
        settings={name: float(value) for name, value in settings.items()},
        asked_at=console.clock(),
        by=visitor.name[:200],
        why=why[:500],
    )
    partition = Partitioner(console.settings.partitions).partition_of(key[0])
    topic = console.settings.topics.settings.name
    try:
        await console.sender.send([Record(topic, settings_key(key), msgspec.json.encode(said), partition=partition)])
    except RequestRefusedError:
        versions.give_back(key, version)
        raise
    request.state.changed = {
        "application": key[0],
        "environment": key[1],
        "version": said.version,
        "settings": said.settings,
    }
    return Response(msgspec.json.encode(told(said, round(said.asked_at * 1e6))), 202, NO_STORE, JSON)

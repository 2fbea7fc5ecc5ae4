"""Inspector's clients for Node and Python send to a gateway over HTTPS, with their key, and their executions arrive."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Field, Gateway
from tests.tracers.real.certificate import certificate
from tests.tracers.real.conftest import REAL
from tests.tracers.real.install import installed
from tests.tracers.real.tracers import INSPECTOR, Tracer
from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.codec import decode_record
from tracehound.schemas.execution import Execution
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.topics import Topics
from tracehound.streams.http.keys import new_key


def arrived(field: Field) -> list[Execution]:
    """The executions of both transactions."""
    read = field.read(field.topics.executions.name, lambda found: len(found) >= 2)
    return [one for record in read for one in decode_record(record.value(), Limits(), 9e9).executions]


@pytest.mark.parametrize("client", INSPECTOR, ids=lambda client: client.name)
def test_what_a_client_sends_arrives(
    client: Tracer,
    embedded_kafka: Broker,
    prefix: str,
    real_program: Callable[..., str],
    tmp_path: Path,
) -> None:
    if not os.environ.get(REAL) or not shutil.which(client.install.split(maxsplit=1)[0]):
        pytest.skip(f"{client.name} is really run by `make test-tracers`")
    folder = installed(client)
    made, private = certificate(real_program("openssl"), tmp_path)
    field = Field(embedded_kafka, Topics(prefix, 1, (prefix + "otlp_spans",)))
    embedded_kafka.create_topics(field.topics)
    key = new_key()
    keys = json.dumps({key.prefix: {"sha256": key.sha256, "application": "shop"}})
    started = Gateway(field, keys=keys, tls_certificate_file=str(made), tls_key_file=str(private))
    try:
        started.process.wait_for("broker_reached")
        port = started.address.rpartition(":")[2]
        given = {"PORT": port, "KEY": key.key, "NODE_EXTRA_CA_CERTS": str(made), **client.environment}
        subprocess.run(client.command, cwd=folder, env={**os.environ, **given}, check=True, timeout=60)
        cart, nightly = arrived(field)
    finally:
        started.process.kill()

    assert (cart.application, cart.operation, cart.result) == ("shop", "GET /cart", 200)
    assert 25 < cart.duration_ms < 10_000
    assert [(one.name, one.kind) for one in cart.segments] == [("SELECT cart", "db")]
    assert 25 < cart.segments[0].duration_ms <= cart.duration_ms + 1
    assert (nightly.operation, nightly.failed) == ("nightly", True)
    assert nightly.error is not None
    assert (nightly.error.type, nightly.error.message) == ("TypeError", "no such shelf")

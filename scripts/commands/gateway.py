"""The command `tracehound gateway`: takes executions and traces over HTTP, and makes the keys of those who send."""

import json

import click

from tracehound.streams.settings.gateway import Role
from tracehound.streams.settings.settings import load_settings

_SETTING = """\
# Keep this in the file of settings; the key itself is nowhere but here:
#   {key}
[gateway.keys.{prefix}]
sha256 = "{sha256}"
role = "{role}"
"""


@click.command()
@click.option("--new-key", is_flag=True, help="Make a key and print it with what to put into the settings; then end.")
@click.option(
    "--role",
    type=click.Choice(["ingest", "metrics"]),
    default="ingest",
    show_default=True,
    help="With --new-key: what it is good for, to send or to read the gateway's metrics.",
)
@click.option("--openapi", is_flag=True, help="Print the OpenAPI document of what it takes and answers; then end.")
def gateway(new_key: bool, role: Role, openapi: bool) -> None:
    """Take executions and traces over HTTP and write them to Kafka, until stopped."""
    if openapi:
        from tracehound.streams.gateway.app import build_gateway
        from tracehound.streams.gateway.server import kafka_sender

        settings = load_settings()
        nobody = kafka_sender(settings, lambda _: None)
        click.echo(json.dumps(build_gateway(settings, nobody).document, indent=2))
        return
    if new_key:
        from tracehound.streams.http.keys import new_key as make

        made = make()
        click.echo(_SETTING.format(key=made.key, prefix=made.prefix, sha256=made.sha256, role=role), nl=False)
        return
    from tracehound.streams.gateway.server import run_gateway

    raise SystemExit(run_gateway(load_settings()))

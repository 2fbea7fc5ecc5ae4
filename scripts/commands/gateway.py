"""The command `tracehound gateway`: takes executions and traces over HTTP, and makes the keys of those who send."""

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
def gateway(new_key: bool, role: Role) -> None:
    """Take executions and traces over HTTP and write them to Kafka, until stopped."""
    if new_key:
        from tracehound.streams.gateway.keys import new_key as make

        made = make()
        click.echo(_SETTING.format(key=made.key, prefix=made.prefix, sha256=made.sha256, role=role), nl=False)
        return
    from tracehound.streams.gateway.server import run_gateway

    raise SystemExit(run_gateway(load_settings()))

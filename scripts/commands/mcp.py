"""The command `tracehound mcp`: lets assistants ask the console, over standard input and output."""

import click


@click.command()
@click.option(
    "--allow-feedback", is_flag=True, help="Permit verdicts on anomalies and incidents; else nothing changes."
)
@click.option(
    *("--most-bytes", "most"),
    type=click.IntRange(2_000, 1_000_000),
    default=24_000,
    show_default=True,
    help="Of an answer.",
)
def mcp(allow_feedback: bool, most: int) -> None:
    """Let an assistant ask the console: a server of the Model Context Protocol on standard input and output.

    An assistant's settings start it. The console's address is TRACEHOUND_CONSOLE_URL, the key that it is asked with
    TRACEHOUND_CONSOLE_KEY, or in the file that TRACEHOUND_CONSOLE_KEY_FILE names; a viewer's key suffices, and an
    operator's is needed for feedback.
    """
    from tracehound.scripts.assistants.asking import Asking
    from tracehound.scripts.assistants.server import build_server
    from tracehound.scripts.console.client import console_client

    build_server(Asking(console_client(), most), allow_feedback).run("stdio")

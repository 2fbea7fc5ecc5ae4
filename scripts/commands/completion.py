"""The command `tracehound completion`: what a shell needs to complete commands and options."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script by which SHELL completes commands, options and their values.

    \b
    tracehound completion bash > ~/.local/share/bash-completion/completions/tracehound
    tracehound completion zsh > ~/.zfunc/_tracehound
    tracehound completion fish > ~/.config/fish/completions/tracehound.fish
    """
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(context.find_root().command, {}, "tracehound", "_TRACEHOUND_COMPLETE").source())

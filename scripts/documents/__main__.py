"""Write the generated parts of Markdown files, or check that they are current."""

from pathlib import Path

import click

from tracehound.scripts.documents.blocks import Blocks, with_blocks
from tracehound.scripts.documents.commands_table import commands_reference, exit_codes_table
from tracehound.scripts.documents.conventions_table import conventions_table
from tracehound.scripts.documents.figures import figures
from tracehound.scripts.documents.metrics_table import metrics_table
from tracehound.scripts.documents.settings_table import table
from tracehound.scripts.documents.topics_table import topics_table


def generated(measured: Path) -> Blocks:
    """All parts that can be generated; figures come from the JSON files in the folder ``measured``."""
    return {
        "settings": table,
        "topics": topics_table,
        "commands": commands_reference,
        "exit-codes": exit_codes_table,
        "metrics": metrics_table,
        "conventions": conventions_table,
        **figures(measured),
    }


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--measured", default="docs/benchmarks", show_default=True, type=click.Path(exists=True, path_type=Path))
@click.option("--check", is_flag=True, help="Only say whether the files are current.")
def main(files: tuple[Path, ...], measured: Path, check: bool) -> None:
    """Write the generated parts of FILES; of a folder, those of all its Markdown files."""
    blocks = generated(measured)
    pages = [page for one in files for page in (sorted(one.rglob("*.md")) if one.is_dir() else [one])]
    stale = []
    for page in pages:
        text = page.read_text(encoding="utf-8")
        try:
            current = with_blocks(text, blocks)
        except ValueError as error:
            raise click.ClickException(f"{page}: {error}") from error
        if current != text:
            stale.append(str(page))
            if not check:
                page.write_text(current, encoding="utf-8")
    if check and stale:
        raise click.ClickException(f"Not current: {', '.join(stale)}. Run `make format`.")


if __name__ == "__main__":
    main()

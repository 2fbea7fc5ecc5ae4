"""Measures the pages: a store with a thousand applications, a console, and Chromium."""

import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

import click
from playwright.sync_api import sync_playwright

from tracehound.console.store.engine import Store
from tracehound.scripts.benchmarks.api.filling import Size, fill, fill_progress
from tracehound.scripts.benchmarks.api.servers import console
from tracehound.scripts.benchmarks.intake.report import Machine
from tracehound.scripts.benchmarks.page.looking import look
from tracehound.scripts.documents.stored import store as store_figures

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@click.command()
@click.option("--applications", default=1_000, show_default=True, type=click.IntRange(1))
@click.option("--times", default=7, show_default=True, type=click.IntRange(1), help="Looks at each page.")
@click.option("--report", type=click.Path(path_type=Path, file_okay=False), help="Folder for page.json.")
def main(applications: int, times: int, report: Path | None) -> None:
    """Fill a store, and look at the overview and at an incident."""
    program = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if program is None:
        raise click.ClickException(f"Needs a browser: none of {', '.join(_BROWSERS)} is on the PATH.")
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="tracehound-page-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder}/store.db"
        store = Store(url)
        store.migrate()
        fill(store, Size(anomalies=100_000, incidents=2_000))
        with store.write() as connection:
            fill_progress(connection, applications)
        with console(url, folder / "log") as (client, _), sync_playwright() as playwright:
            incident = client.get("/api/v1/incidents?limit=1")["items"][0]["data"]["incident_id"]
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            address, key = f"http://127.0.0.1:{client.port}", client.headers["X-API-Key"]
            overview = look(browser, address, key, "/ui/", times)
            one = look(browser, address, key, f"/ui/incidents/{incident}", times)
            version = browser.version
            browser.close()
        store.close()
    figures = {
        "overview_paint_ms": overview.paint_ms,
        "incident_paint_ms": one.paint_ms,
        "transfer_kb": overview.transfer_bytes / 1_000,
        "axe_serious": max(overview.axe_serious, one.axe_serious),
        "csp_violations": overview.csp_violations + one.csp_violations,
        "applications": applications,
        "browser": f"Chromium {version}",
        "overview": asdict(overview),
        "incident": asdict(one),
        "machine": asdict(Machine.here("none")),
        "load_before": load,
    }
    for name in ("overview_paint_ms", "incident_paint_ms", "transfer_kb", "axe_serious", "csp_violations"):
        click.echo(f"{name:20} {figures[name]:.1f}")
    if report is not None:
        store_figures(report / "page.json", figures)


if __name__ == "__main__":
    main()

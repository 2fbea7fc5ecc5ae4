"""Reads the output topics into a database until it is killed: a program, given the settings by the environment."""

import sys

from prometheus_client import CollectorRegistry

from tracehound.console.process import Parts, build_reader, serve_nothing, wait_for_tables
from tracehound.console.store.engine import Store
from tracehound.streams.settings.settings import load_settings


def main() -> int:
    settings, registry = load_settings(), CollectorRegistry()
    store = Store(settings.console.database_url.get_secret_value())
    wait_for_tables(store)
    reader = build_reader(settings, store, registry)
    reader.start()
    return serve_nothing(Parts(settings, store, reader, registry))


if __name__ == "__main__":
    sys.exit(main())

"""Reads the output topics into a database until it is killed: a program, given the settings by the environment.

It is what ``tracehound console`` starts, without the rest of that, which takes longer to import than a test has time.
"""

import signal

from prometheus_client import CollectorRegistry

from tracehound.console.store.engine import Store
from tracehound.console.store.reader.build import build_reader
from tracehound.streams.settings.settings import load_settings

if __name__ == "__main__":
    settings = load_settings()
    store = Store(settings.console.database_url.get_secret_value())
    build_reader(settings, store, CollectorRegistry()).start()
    signal.pause()

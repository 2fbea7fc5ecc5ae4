"""One log for our events and those of libraries."""

import io
import json
import logging

import structlog

from tracehound.streams.settings.settings import Settings
from tracehound.streams.worker.logging import configure_logging


def test_our_events_and_those_of_libraries_are_json_lines() -> None:
    stream = io.StringIO()
    configure_logging(Settings(), stream)
    structlog.get_logger("ours").warning("something", sentence="It's \x1b[31m odd\n", count=3)
    logging.getLogger("aiokafka.client").error("Unable to connect to %s", "nowhere")
    logging.getLogger("faust").info("chatter")
    try:
        raise ValueError("bad")
    except ValueError:
        logging.getLogger("faust").exception("failed")
    ours, library, failed = map(json.loads, stream.getvalue().splitlines())
    assert (ours["event"], ours["level"], ours["count"], ours["logger"]) == ("something", "warning", 3, "ours")
    assert ours["sentence"] == "It's \x1b[31m odd\n"
    assert (library["event"], library["logger"]) == ("Unable to connect to nowhere", "aiokafka.client")
    assert "ValueError: bad" in failed["exception"]


def test_the_level_is_a_setting() -> None:
    stream = io.StringIO()
    configure_logging(Settings(log_level="error"), stream)
    structlog.get_logger("ours").warning("something")
    assert stream.getvalue() == ""


def test_readable_text_shows_no_control_characters_of_events() -> None:
    stream = io.StringIO()
    configure_logging(Settings(log_format="console"), stream)
    structlog.get_logger("ours").info("something", operation="\x1b[2J")
    assert "\x1b" not in stream.getvalue()
    assert "something" in stream.getvalue()

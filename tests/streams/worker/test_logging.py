"""One log for our events and those of libraries."""

import io
import json
import logging
from typing import Literal

import pytest
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


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_failure_is_logged_with_its_lines_and_no_values_of_variables(log_format: Literal["json", "console"]) -> None:
    stream = io.StringIO()
    configure_logging(Settings(log_format=log_format), stream)

    def fail(key: str) -> None:
        raise ValueError("bad" if key else "")

    try:
        fail("a secret")
    except ValueError as error:
        structlog.get_logger("ours").error("failed", exc_info=error)
    assert "ValueError: bad" in stream.getvalue()
    assert 'raise ValueError("bad"' in stream.getvalue().replace('\\"', '"')
    assert "a secret" not in stream.getvalue().replace('fail("a secret")', "").replace('fail(\\"a secret\\")', "")


def test_readable_text_shows_no_control_characters_of_events() -> None:
    stream = io.StringIO()
    configure_logging(Settings(log_format="console"), stream)
    structlog.get_logger("ours").info("something", operation="\x1b[2J")
    assert "\x1b" not in stream.getvalue()
    assert "something" in stream.getvalue()

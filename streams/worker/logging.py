"""One log for everything: our events and those of the libraries, as JSON lines or as readable text."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from tracehound.streams.settings.settings import Settings

CHATTY = ("aiokafka", "faust", "mode", "asyncio", "aiohttp")
"""Libraries of which only warnings are logged, unless the level is debug."""


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send everything to ``stream`` (standard error without it) from the level of the settings on.

    Libraries write through the standard library's ``logging``; their records take the same way and form.
    What they say below warning is left out unless the level is debug.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(settings.log_format)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    logging.captureWarnings(True)
    for name in CHATTY:
        logging.getLogger(name).setLevel("DEBUG" if settings.log_level == "debug" else "WARNING")


def _renderers(log_format: str) -> list[Any]:
    if log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=repr)]
    # a plain traceback: a rich one takes seconds of the process that failed, and shows the values of variables
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    return [_printable, plain]


def _printable(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep control characters of hostile events away from the terminal."""
    for name, value in event.items():
        if isinstance(value, str) and name != "exception" and not value.isprintable():
            event[name] = repr(value)
    return event

"""The one exception tree of tracehound: every class says in one sentence what went wrong."""


class TracehoundError(Exception):
    """Root of all errors that tracehound raises on purpose."""


class ConfigurationError(TracehoundError):
    """A setting is missing or wrong; the message names the setting, the rule and the value."""


class InvalidExecutionError(TracehoundError):
    """A record or an element of it is not a valid execution; the message names field, rule and value."""


class SnapshotError(TracehoundError):
    """A stored model state cannot be read; the message says which version or checksum does not fit."""


class UnknownSubjectError(TracehoundError):
    """A verdict is about something that is not known, or no longer; the message names it."""


class BrokerError(TracehoundError):
    """A broker cannot be started, reached or prepared; the message names the address and the cause."""


class NotAdmittedError(BrokerError):
    """A broker knows neither this user nor its certificate, or is not trusted itself: waiting mends nothing."""

"""Settings of detection that an application has of its own, beside those of the workers."""

from typing import Annotated

import msgspec

from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.execution import ApplicationKey, Count, EpochSeconds, Name

MOST_SETTINGS = 50
SettingName = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Own = Annotated[dict[SettingName, float], msgspec.Meta(max_length=MOST_SETTINGS)]
"""Settings of detection by their names; all others are as the workers have them."""


class ApplicationSettings(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The value of a record on ``settings.v1``, keyed by ``settings_key``, in the partition of its application.

    The last record counts. ``version`` is one more than that of the record before, ``settings`` those that the
    application has of its own from then on (none: it has what the workers have). ``by`` asked for it at ``asked_at``
    (epoch seconds), and ``why``: the winner of a tuning, or a version that is gone back to.
    """

    application: Name
    environment: Annotated[str, msgspec.Meta(max_length=200)] = ""
    version: Count
    settings: Own
    asked_at: EpochSeconds = 0.0
    by: Annotated[str, msgspec.Meta(max_length=200)] = ""
    why: Annotated[str, msgspec.Meta(max_length=500)] = ""

    @property
    def key(self) -> ApplicationKey:
        """Whose they are."""
        return self.application, self.environment


_decode = msgspec.json.Decoder(ApplicationSettings).decode
_decode_key = msgspec.json.Decoder(tuple[Name, str]).decode


def settings_key(key: ApplicationKey) -> bytes:
    """The key of an application's records: topics that are compacted keep the last of each.

    >>> settings_key(("shop", "prod"))
    b'["shop","prod"]'
    """
    return msgspec.json.encode(list(key))


def read_application_settings(key: bytes | None, value: bytes | None) -> ApplicationSettings:
    """The settings that a record holds; one without a value takes them away.

    Raises:
        InvalidExecutionError: it holds none.
    """
    try:
        if value is None:
            application, environment = _decode_key(key or b"")
            return ApplicationSettings(application=application, environment=environment, version=0, settings={})
        return _decode(value)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise InvalidExecutionError(f"Settings of an application must name it, and be numbers: {error}.") from error

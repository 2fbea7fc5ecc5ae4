"""Secrets of receivers, from the environment or from files."""

from collections.abc import Mapping

from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.settings.notify import Receiver


def read_secret(name: str, receiver: Receiver, environment: Mapping[str, str]) -> str:
    """The secret that the receiver ``name`` names; empty where it names none.

    Raises:
        ConfigurationError: it is not there, or it is empty.
    """
    if receiver.secret_env:
        secret = environment.get(receiver.secret_env, "").strip()
        where = f"the environment variable {receiver.secret_env!r}"
    elif receiver.secret_file:
        # What is no absolute path may be the secret itself.
        named = repr(str(receiver.secret_file)) if receiver.secret_file.is_absolute() else "that 'secret_file' names"
        where = f"the file {named}"
        try:
            secret = receiver.secret_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise ConfigurationError(
                f"The secret of the receiver {name!r} cannot be read from {where}: {why}"
            ) from None
    else:
        return ""
    if not secret:
        raise ConfigurationError(f"The secret of the receiver {name!r} must be in {where}. Got nothing instead.")
    return secret

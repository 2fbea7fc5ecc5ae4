"""Webhooks: the incident's CloudEvent as it is, signed as Standard Webhooks has it.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hmac
import time
from collections.abc import Callable, Sequence

from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.notify.notice import Notice
from tracehound.streams.notify.outcome import Outcome, WithoutMemory
from tracehound.streams.notify.receivers.http import HttpPoster
from tracehound.streams.settings.notify import Webhook

_SECRET_PREFIX = "whsec_"  # noqa: S105 (of the notation, no secret)
_SHORTEST_SECRET = 24


def read_secrets(text: str, receiver: str) -> list[bytes]:
    """The signing secrets of a webhook, one in each line: ``whsec_`` and base64, or any text of 24 bytes and more.

    Raises:
        ConfigurationError: there is none, or one is too short or not base64. The message does not show it.
    """
    secrets = [_read_secret(line.strip()) for line in text.splitlines() if line.strip()]
    if not secrets or any(len(secret) < _SHORTEST_SECRET for secret in secrets):
        raise ConfigurationError(
            f"The secret of the receiver {receiver!r} must be lines of {_SECRET_PREFIX} and base64, or of text, "
            f"each at least {_SHORTEST_SECRET} bytes long. Got something else instead."
        )
    return secrets


def _read_secret(line: str) -> bytes:
    if not line.startswith(_SECRET_PREFIX):
        return line.encode()
    try:
        return base64.b64decode(line.removeprefix(_SECRET_PREFIX), validate=True)
    except binascii.Error:
        return b""


def signature(secrets: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """The header ``webhook-signature``: an HMAC-SHA256 with each secret over id, timestamp (epoch s) and body.

    >>> secrets = read_secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "team")
    >>> signature(secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    digests = (hmac.digest(secret, signed, "sha256") for secret in secrets)
    return " ".join("v1," + base64.b64encode(digest).decode() for digest in digests)


class WebhookReceiver(WithoutMemory):
    """Posts to one server. ``webhook-id`` is the event's id, by which it can tell what is repeated.

    Parameters:
        secrets: see ``read_secrets``.
        clock: wall time in epoch seconds.
    """

    def __init__(self, settings: Webhook, secrets: Sequence[bytes], clock: Callable[[], float] = time.time) -> None:
        self._url = settings.url
        self._secrets = secrets
        self._clock = clock
        self._poster = HttpPoster(settings.timeout_s, settings.ca_file)

    async def tell(self, notice: Notice) -> Outcome:
        """See ``Receiver``."""
        body, timestamp = notice.record.value, int(self._clock())
        message_id = "".join(character for character in notice.event.id if "!" <= character <= "~")
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self._secrets, message_id, timestamp, body),
        }
        return await self._poster.post(self._url, body, headers)

    async def close(self) -> None:
        """See ``Receiver``."""
        await self._poster.close()

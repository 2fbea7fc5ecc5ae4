"""A receiver of any kind, from its settings and its secret."""

import time
from collections.abc import Callable

from tracehound.streams.notify.outcome import Receiver
from tracehound.streams.notify.receivers.alertmanager import AlertmanagerReceiver
from tracehound.streams.notify.receivers.apprise_url import AppriseReceiver
from tracehound.streams.notify.receivers.pagerduty import PagerDutyReceiver
from tracehound.streams.notify.receivers.webhook import WebhookReceiver, read_secrets
from tracehound.streams.settings.notify import Alertmanager, AnyReceiver, PagerDuty, Webhook


def build_receiver(
    name: str, settings: AnyReceiver, secret: str, threads: int, clock: Callable[[], float] = time.time
) -> Receiver:
    """A receiver of any kind, from its settings and its secret.

    Raises:
        ConfigurationError: the secret is none of this kind, or a file of certificates cannot be read.
    """
    if isinstance(settings, Alertmanager):
        return AlertmanagerReceiver(name, settings, secret, clock)
    if isinstance(settings, PagerDuty):
        return PagerDutyReceiver(settings, secret)
    if isinstance(settings, Webhook):
        return WebhookReceiver(settings, read_secrets(secret, name), clock)
    return AppriseReceiver(name, settings, secret, threads)

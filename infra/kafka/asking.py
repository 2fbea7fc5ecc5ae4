"""Waiting for a broker's answer, but not for what no waiting mends: a wrong password, a certificate nobody trusts."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from confluent_kafka import KafkaError, KafkaException

_FIRST_S: Final = 1.0
_FINAL: Final = (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED, KafkaError._SSL)
_ALERT: Final = "tls alert"

Answer = TypeVar("Answer")


def is_final(error: KafkaError) -> bool:
    """Whether asking again with the same settings will end the same way.

    >>> is_final(KafkaError(KafkaError._AUTHENTICATION)), is_final(KafkaError(KafkaError._TRANSPORT))
    (True, False)
    """
    return error.code() in _FINAL or _ALERT in error.str()  # (an alert in reply to ours is told as a broken connection)


def ask_until(ask: Callable[[float], Answer], is_refused: Callable[[], bool], timeout_s: float) -> Answer:
    """The answer to ``ask(seconds)``, which is asked again with more of them while there is time.

    librdkafka tells a callback why it cannot connect and goes on trying, whatever that was, as long as it may:
    ``is_refused`` says that it was something final.

    Raises:
        KafkaException: there was no answer within ``timeout_s``, or it was refused.
    """
    ends, patience_s = time.monotonic() + timeout_s, _FIRST_S
    while True:
        left_s = ends - time.monotonic()
        try:
            return ask(max(0.01, min(patience_s, left_s)))
        except KafkaException:
            if left_s <= patience_s or is_refused():
                raise
        patience_s *= 2

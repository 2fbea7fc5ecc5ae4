"""Sends executions to the gateway over HTTP, a line each, and again where it puts them off."""

import http.client
import json
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec

from tracehound.schemas.errors import BrokerError
from tracehound.schemas.execution import Execution
from tracehound.scripts.recorded.sending import CLOSE_S

PATH = "/v1/executions"
_HEADERS = {"Content-Type": "application/x-ndjson"}
_PUT_OFF = (429, 503)
_ANSWER_TIMEOUT_S = 60.0


class GatewaySender:
    """Sends executions in requests of up to ``batch``, each answered before the next is sent: their order is kept.

    What is put off (429, 503) is sent again when the gateway says, for up to ``patience_s``.

    Parameters:
        address: of the gateway, such as ``http://127.0.0.1:4318``.
        batch: lines of a request.
        patience_s: how long one request may be put off.
        sleep: waits so many seconds.

    Raises:
        BrokerError: the gateway does not answer, refuses an execution, or puts one off for too long.
    """

    def __init__(
        self, address: str, batch: int = 500, patience_s: float = CLOSE_S, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._address, self._batch, self._patience_s, self._sleep = address, batch, patience_s, sleep
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=_ANSWER_TIMEOUT_S)
        self._encode = msgspec.json.Encoder().encode
        self._waiting: list[bytes] = []
        self.executions = 0
        self.requests = 0

    def send(self, execution: Execution) -> None:
        """Queue an execution; it leaves when ``batch`` of them wait, or at ``flush``."""
        self._waiting.append(self._encode(execution))
        if len(self._waiting) >= self._batch:
            self.flush()

    def flush(self) -> None:
        """Send everything queued, and wait until Kafka has it."""
        if not self._waiting:
            return
        body = b"\n".join(self._waiting)
        put_off_s = 0.0
        while True:
            status, wait_s, answer = self._ask(body)
            if status not in _PUT_OFF or put_off_s >= self._patience_s:
                break
            self._sleep(wait_s)
            put_off_s += wait_s
        if status != 200 or json.loads(answer)["refused_executions"]:
            told = answer.decode(errors="replace")[:500]
            raise BrokerError(f"The gateway at {self._address} did not take all executions ({status}): {told}")
        self.executions += len(self._waiting)
        self.requests += 1
        self._waiting.clear()

    def close(self, timeout_s: float = CLOSE_S) -> None:  # noqa: ARG002 (of the protocol: the answer is waited for)
        """Send everything queued, and end the connection."""
        self.flush()
        self._connection.close()

    def summary(self) -> str:
        """How many executions and requests were sent."""
        return f"{self.executions:,} executions in {self.requests:,} requests"

    def _ask(self, body: bytes) -> tuple[int, float, bytes]:
        """Status, when to come again, and the answer."""
        try:
            self._connection.request("POST", PATH, body, _HEADERS)
            response = self._connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise BrokerError(f"The gateway at {self._address} does not answer: {error}.") from error
        return response.status, float(response.headers.get("Retry-After", 1)), answer

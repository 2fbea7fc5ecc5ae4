"""The embedded broker in a process of its own, which ends with the process that started it.

Commands go in as JSON lines and their results come out as JSON lines. The end of the input is the end of the
broker: the operating system closes the pipe however the parent dies, kill -9 included.
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

from tracehound.infra.kafka.embedded import DEFAULT_REBALANCE_DELAY_MS, Argument, EmbeddedBroker, EmbeddedControl
from tracehound.schemas.errors import BrokerError

_STOP_TIMEOUT_S = 10.0
_ORPHAN_CHECK_S = 1.0


class EmbeddedBrokerProcess(EmbeddedControl):
    """An embedded broker in its own process, started by the constructor; same verbs as ``EmbeddedBroker``.

    It is not in this process's session: Ctrl-C in a terminal does not reach it, so that workers can finish
    first. It ends with ``close``, at SIGTERM or SIGINT, and when this process dies in any way. Parameters as
    ``EmbeddedBroker``.

    Raises:
        BrokerError: it did not start; the message says why.
    """

    def __init__(
        self,
        brokers: int = 1,
        topics: Mapping[str, int] | None = None,
        rebalance_delay_ms: int = DEFAULT_REBALANCE_DELAY_MS,
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tracehound.infra.kafka.embedded_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            start = {
                "brokers": brokers,
                "topics": dict(topics or {}),
                "rebalance_delay_ms": rebalance_delay_ms,
            }
            self.bootstrap_servers: str = self._ask(start)
        except BrokerError:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The process id of the broker."""
        return self._process.pid

    def call(self, function: str, *arguments: Argument) -> int:
        """Call a function of the mock cluster; see ``EmbeddedControl.call``."""
        return int(self._ask([function, *arguments]))

    def _ask(self, question: object) -> Any:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None or stdin.closed:
            raise BrokerError("The embedded broker is closed.")
        try:
            stdin.write(json.dumps(question) + "\n")
            stdin.flush()
            line = stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise BrokerError(f"The embedded broker's process {self.pid} has ended by itself.")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise BrokerError(answer["error"])
        return answer["result"]

    def close(self) -> None:
        """Stop the broker and wait for its process to end. Closing twice is harmless."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # a question to a process that has ended was never sent
                    pipe.close()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class _Lines:
    """Lines of standard input until its end, or until the parent process is gone."""

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._buffer = b""

    def next(self) -> bytes | None:
        while b"\n" not in self._buffer:
            # A process forked off the parent can hold the pipe open after the parent's death.
            if os.getppid() != self._parent:
                return None
            if select.select([0], [], [], _ORPHAN_CHECK_S)[0]:
                block = os.read(0, 65536)
                if not block:
                    return None
                self._buffer += block
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line


def _answer(content: Mapping[str, object]) -> None:
    print(json.dumps(content), flush=True)


def _serve(lines: _Lines) -> None:
    first = lines.next()
    if first is None:
        return
    with EmbeddedBroker(**json.loads(first)) as broker:
        _answer({"result": broker.bootstrap_servers})
        while (line := lines.next()) is not None:
            function, *arguments = json.loads(line)
            try:
                _answer({"result": broker.call(function, *arguments)})
            except BrokerError as error:
                _answer({"error": str(error)})


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def main() -> int:
    """Serve one embedded broker until the input ends, the parent dies, or SIGTERM or SIGINT comes."""
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    try:
        _serve(_Lines())
    except BrokerError as error:
        _answer({"error": str(error)})
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the parent is gone: nothing is left to flush to
    return 0


if __name__ == "__main__":
    sys.exit(main())

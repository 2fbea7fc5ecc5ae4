"""Where the copies of model states live: a folder that outlives the worker, or a temporary one."""

import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path


class StateFolder:
    """The folder for one topic.

    A folder that outlives the worker is named by the topic's id, so that copies of a topic that was made anew
    under the same name are not taken for its own. Without a parent, or on a broker that gives topics no ids,
    it is temporary.

    Parameters:
        topic_id: asked once, when the folder is first needed and only with a parent; may take its time.
    """

    def __init__(self, parent: Path | None, topic: str, topic_id: Callable[[], str | None]) -> None:
        self._parent = parent
        self._topic = topic
        self._topic_id = topic_id
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    def path(self) -> Path:
        """The folder; it need not exist."""
        return self._path

    @cached_property
    def _path(self) -> Path:
        if self._parent is not None and (known := self._topic_id()) is not None:
            return self._parent / self._topic / known
        self._temporary = tempfile.TemporaryDirectory(prefix="tracehound-")
        return Path(self._temporary.name)

    def close(self) -> None:
        """Remove it if it is temporary."""
        if self._temporary is not None:
            self._temporary.cleanup()

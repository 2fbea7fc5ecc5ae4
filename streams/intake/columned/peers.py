"""Who answers at which address, as kernels look it up: what ``PeerNames`` knows, in numbers."""

from typing import Any

import numpy as np

from tracehound.detectors.bank import Slots
from tracehound.detectors.columns.known_texts import KnownTexts
from tracehound.detectors.columns.number_rows import NumberRows
from tracehound.detectors.columns.write_executions import NOBODY, SEVERAL
from tracehound.streams.intake.peer_names import MOST, PeerKey, PeerNames

_STALE = 4 * MOST


class KnownPeers:
    """Follows the names that it is given. What is forgotten there is nobody here, until there is too much of it."""

    def __init__(self, names: PeerNames, texts: KnownTexts) -> None:
        self._names, self._texts = names, texts
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._rows = NumberRows()
        self._services: Slots = np.full(64, NOBODY, np.int64)
        for key, service in self._names.known():
            self._follow(key, service)
        self._names.followed_by(self._follow)

    def _follow(self, key: PeerKey, service: str | None) -> None:
        if len(self._rows) >= _STALE:
            self._begin_anew()
            return
        number = self._texts.number
        row = self._rows.row((*map(number, key), 0, 0))
        if row >= len(self._services):
            more = np.full(len(self._services), NOBODY, np.int64)
            self._services = np.concatenate([self._services, more])
        self._services[row] = NOBODY if service is None else number(service) if service else SEVERAL

    def arrays(self) -> tuple[Any, Any, Any]:
        """Places and keys of the rows, and the text of who answers."""
        return self._rows.places, self._rows.keys, self._services

"""The applications whose models are in memory, in the order in which they were last used."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, KeysView, Set

from tracehound.schemas.execution import ApplicationKey
from tracehound.streams.states.partitions import Partition


class UsedModels:
    """Remembers which applications were used, and where, the least recently used first.

    Parameters:
        drop: lets the core forget an application's models.
    """

    def __init__(self, drop: Callable[[ApplicationKey], None]) -> None:
        self._drop = drop
        self._used: OrderedDict[ApplicationKey, Partition] = OrderedDict()

    def __len__(self) -> int:
        return len(self._used)

    def __contains__(self, key: ApplicationKey) -> bool:
        return key in self._used

    def keys(self) -> KeysView[ApplicationKey]:
        """The applications in memory."""
        return self._used.keys()

    def use(self, keys: Iterable[ApplicationKey], partition: Partition) -> None:
        """These applications of a partition are used now."""
        for key in keys:
            self._used[key] = partition
            self._used.move_to_end(key)

    def idle(self, most: int, keep: Set[ApplicationKey]) -> list[tuple[ApplicationKey, Partition]]:
        """At most so many applications that may leave, but those of ``keep`` and those that are being saved."""
        idle = (
            (key, partition) for key, partition in self._used.items() if key not in keep and key not in partition.saving
        )
        return [one for _, one in zip(range(most), idle, strict=False)]

    def forget(self, key: ApplicationKey) -> None:
        """Drop an application's models; the stored state stays."""
        self._used.pop(key, None)
        self._drop(key)

    def forget_lost(self) -> None:
        """Drop the models of all partitions that were taken away."""
        for key in [key for key, partition in self._used.items() if partition.lost]:
            self.forget(key)

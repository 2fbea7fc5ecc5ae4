"""The state that an application's models have now, wherever they are."""

from tracehound.schemas.execution import ApplicationKey
from tracehound.streams.states.model_states import ModelStates
from tracehound.streams.states.partitions import Partition
from tracehound.streams.states.scoring_core import ScoringCore
from tracehound.streams.states.used_models import UsedModels


class CurrentStates:
    """Looks without changing anything: what is on disk stays there, and nothing is sent away for it."""

    def __init__(self, scorer: ScoringCore, used: UsedModels, states: ModelStates) -> None:
        self._scorer = scorer
        self._used = used
        self._states = states

    def is_stored(self, partition: Partition, key: ApplicationKey) -> bool:
        """Whether an application has models, but not in memory."""
        return key not in self._used and key in partition.unrestored

    async def stored(self, partition: Partition, key: ApplicationKey) -> bytes | None:
        """The stored state of an application; None where it is no more.

        Raises:
            StateUnavailableError: the folder of states cannot be used.
        """
        return await self._states.snapshot(partition.number, key)

    def in_memory(self, key: ApplicationKey) -> bytes | None:
        """A snapshot of an application's models; None where it has none in memory. Call it between runs."""
        try:
            return self._scorer.snapshot(key)
        except KeyError:
            return None

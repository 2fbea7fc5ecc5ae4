"""Workers that break the protocol of states and acknowledgements on purpose, for the checker to find out."""

_START = """
from tracehound.streams.settings.settings import load_settings
from tracehound.streams.scoring.app import build_scoring
from tracehound.streams.worker.worker import run_worker
sys.exit(run_worker(load_settings(), build_scoring))
"""

ACKNOWLEDGES_FIRST = (
    """
import asyncio, sys
from tracehound.streams.scoring import app
from tracehound.streams.states import resident_models

class AcknowledgesFirst(resident_models.ResidentModels):
    async def _write(self, batch):
        for state in batch.states:
            batch.partition.saving.pop(state.key, None)
        batch.partition.acknowledge()
        await asyncio.sleep(60)
        await super()._write(batch)

app.ResidentModels = AcknowledgesFirst
"""
    + _START
)
"""Runs are acknowledged before the states of their applications are written."""

NAMES_AN_OLD_POSITION = (
    """
import sys
from tracehound.streams.scoring import app
from tracehound.streams.states import resident_models

class NamesAnOldPosition(resident_models.ResidentModels):
    def _take(self, partition, keys):
        batch = super()._take(partition, keys)
        for state in batch.states:
            state.head.position = 0
        return batch

app.ResidentModels = NamesAnOldPosition
"""
    + _START
)
"""States say of less than they know that they know it."""

PUBLISHES_NOTHING = (
    """
import sys
from tracehound.streams.scoring import score_executions

score_executions.anomalies_outgoing = lambda found, topic: []
"""
    + _START
)
"""Anomalies are found and never published."""

"""The structure detector alone on traces with a label each, at a budget of executions instead of alarms a day."""

import numpy as np

from tracehound.detectors.application.models import seed_of
from tracehound.detectors.features.paths import paths_of
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.structure.detector import Structure
from tracehound.detectors.structure.exposure import Exposure
from tracehound.schemas.execution import Execution
from tracehound.scripts.benchmarks.quality.figures import Detection
from tracehound.scripts.benchmarks.quality.workload import NOMINAL_RATES, PATHS, DataSet
from tracehound.scripts.commands.replay import with_templates

BATCH = 256
LIMIT = -float(np.log10(NOMINAL_RATES[PATHS]))
"""−log10 of the share of normal executions that may alarm."""


def run_structure(data: DataSet) -> Detection:
    """Learn the traces of the warm-up, then judge the others against what was learned, frozen.

    The same banks as in the scoring core. An execution's score is −log10 of its false-alarm probability, a trace's
    the largest of its executions, and the alarm a probability below the nominal rate.
    """
    structure = Structure(DetectionSettings().warm_up_executions)
    exposure = Exposure()
    operations: dict[tuple[str, str], int] = {}
    applications: dict[str, int] = {}
    score = np.zeros(len(data.labels))
    executions: list[Execution] = []
    owners: list[int] = []

    def judge() -> None:
        """Score what was collected, learn what belongs to the warm-up."""
        paths = paths_of(executions)
        slots = np.array([operations[one.application, one.operation] for one in executions], np.int64)
        owned = np.array([applications[one.application] for one in executions], np.int64)
        learn = np.array(owners) < data.warm_up
        judged = structure.judge_then_learn(slots, paths, np.array([one.started_s for one in executions]), learn)
        weight = exposure.weigh_then_learn(owned, paths, learn)
        np.maximum.at(score, owners, np.where(judged.warming, 0.0, np.maximum(0.0, judged.score + weight)))

    for number, trace in enumerate(data.recording.traces()):
        with_templates(trace)
        for execution in trace.executions:
            key = (execution.application, execution.operation)
            if execution.application not in applications:
                exposure.open(applications.setdefault(execution.application, len(applications)))
            if key not in operations:
                structure.open(operations.setdefault(key, len(operations)), seed_of(*key))
            executions.append(execution)
            owners.append(number)
        if len(executions) >= BATCH or number == data.warm_up - 1:
            judge()
            executions, owners = [], []
    if executions:
        judge()
    return Detection(score, score >= LIMIT)

"""Gives up what an application knows of operations, called services and queues that others need the places of."""

from collections.abc import Sequence

import numpy as np

from tracehound.detectors.application.models import ApplicationModels
from tracehound.detectors.application.places import Place, give_way
from tracehound.detectors.bank import Flags
from tracehound.detectors.charts.charts import Charts
from tracehound.detectors.columns.columned_executions import ColumnedExecutions
from tracehound.detectors.packed.slots import SlotNumbers
from tracehound.detectors.settings import DetectionSettings


def free_places(
    application: ApplicationModels,
    settings: DetectionSettings,
    charts: Charts,
    operation_slots: SlotNumbers,
    call_slots: Sequence[SlotNumbers],
) -> None:
    """A period of the application is over: where all places are taken, those give way that were not seen for long."""
    operations = application.operations
    for operation in operations.values():
        operation.idle += 1
    places = [Place(one.name, one.seen, one.idle) for one in operations.values()]
    for name in give_way(places, application.seen, settings.operations_per_application):
        gone = operations.pop(name)
        operation_slots.give_back(gone.slot)
        application.ready -= gone.seen >= settings.warm_up_executions
    for chart, slots, calls, idle in zip(charts.keyed, call_slots, application.calls, application.idle, strict=True):
        for name in calls:
            idle[name] = idle.get(name, 0) + 1
        places = [Place(name, chart.count(slot), idle[name]) for name, slot in calls.items()]
        for name in give_way(places, application.seen, settings.peers_per_application):
            slots.give_back(calls.pop(name))
            del idle[name]


def may_be_full(
    application: ApplicationModels, settings: DetectionSettings, waiting: ColumnedExecutions, own: Flags
) -> bool:
    """Whether all places of an application may be taken once its ``own`` (n,) of n executions have been judged."""
    if len(application.operations) >= settings.operations_per_application:
        return True
    segments = np.repeat(own, np.diff(waiting.columns.starts))
    brought = len(np.unique(waiting.columns.name[segments])) + len(waiting.heads.waits)
    return max(map(len, application.calls)) + brought >= settings.peers_per_application

"""What every process says of itself to Prometheus: the machine's share that it uses, and whether it gets on."""

import shutil
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


def tell_of_process(registry: CollectorRegistry) -> None:
    """Add ``process_…`` (CPU, memory, file descriptors, start; on Linux) and the version to a process's metrics."""
    ProcessCollector(registry=registry)
    registry.register(BuildCollector())


class BuildCollector(Collector):
    """The version that runs, as a label."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """One number, which is always 1."""
        family = GaugeMetricFamily("tracehound_build_info", "The version that runs", labels=["version"])
        family.add_metric([version("tracehound")], 1)
        yield family


class HealthCollector(Collector):
    """What ``/livez`` and ``/readyz`` say, as numbers that alerts can be made of.

    Parameters:
        stalled_s: for how long records have waited without progress, in seconds.
        ready: whether it does its work.
    """

    def __init__(self, stalled_s: Callable[[], float], ready: Callable[[], bool]) -> None:
        self._stalled_s, self._ready = stalled_s, ready

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing is asked at registration: the process has not started then."""
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Both numbers as of now."""
        yield GaugeMetricFamily(
            "tracehound_stalled_seconds", "Time that records have waited without progress", value=self._stalled_s()
        )
        yield GaugeMetricFamily(
            "tracehound_ready", "1 if the process does its work, 0 while it cannot (/readyz)", value=int(self._ready())
        )


class DiskCollector(Collector):
    """Room on the file system of a folder, which need not exist yet."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing is asked at registration: where the folder is may have to be asked for."""
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Free and whole size in bytes; nothing where no file system can be asked."""
        folder = self._folder().absolute()
        existing = next((one for one in (folder, *folder.parents) if one.exists()), None)
        if existing is None:
            return
        room = shutil.disk_usage(existing)
        yield GaugeMetricFamily("tracehound_disk_free_bytes", "Free on the disk of the kept states", value=room.free)
        yield GaugeMetricFamily("tracehound_disk_size_bytes", "Size of the disk of the kept states", value=room.total)

"""What every process says of itself to Prometheus."""

import shutil
from pathlib import Path

from prometheus_client import CollectorRegistry

from tracehound.streams.worker.process_metrics import DiskCollector, HealthCollector, tell_of_process


def test_a_process_tells_its_version_and_what_it_uses() -> None:
    registry = CollectorRegistry()
    tell_of_process(registry)
    assert (registry.get_sample_value("process_resident_memory_bytes") or 0) > 1_000_000
    [build] = [family for family in registry.collect() if family.name == "tracehound_build_info"]
    assert build.samples[0].labels["version"]


def test_health_is_asked_when_prometheus_asks() -> None:
    stalled, ready, registry = [0.0], [False], CollectorRegistry()
    registry.register(HealthCollector(lambda: stalled[0], lambda: ready[0]))
    assert registry.get_sample_value("tracehound_ready") == 0
    stalled[0], ready[0] = 7.5, True
    assert registry.get_sample_value("tracehound_stalled_seconds") == 7.5
    assert registry.get_sample_value("tracehound_ready") == 1


def test_room_is_that_of_the_disk_that_a_folder_will_be_on(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    registry.register(DiskCollector(lambda: tmp_path / "not" / "made" / "yet"))
    assert registry.get_sample_value("tracehound_disk_size_bytes") == shutil.disk_usage(tmp_path).total
    free = registry.get_sample_value("tracehound_disk_free_bytes")
    assert free is not None
    assert 0 <= free <= shutil.disk_usage(tmp_path).total

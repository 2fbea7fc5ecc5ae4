"""Whatever strangers send: a worker of 2 GB lives on, learns what is good once, and buries what is not."""

from dataclasses import replace
from pathlib import Path

from tests.end_to_end.test_recovery import SHORT, assert_sound
from tracehound.infra.kafka.broker import Broker
from tracehound.scripts.soak.campaign import try_fault
from tracehound.scripts.soak.faults import FAULTS


def test_a_worker_of_2_gb_survives_what_a_fuzzer_thinks_of(kafka: Broker, tmp_path: Path) -> None:
    trial = try_fault(FAULTS["fuzzed_in_2_gb"], kafka, tmp_path, replace(SHORT, fuzzed_s=1.0, settle_s=400.0))
    assert_sound(trial.verdict)
    assert trial.verdict.refused > 100
    assert 100 < trial.measured["peak_mb"] < 2_000

"""Tracers of five registries play one scene, and it is understood but for what is known to be lost."""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from subprocess import CalledProcessError

import pytest

from tests.tracers.real.conftest import REAL
from tests.tracers.real.install import installed
from tests.tracers.real.recorded_scenes import RECORD, record, scene_of
from tests.tracers.real.scene import play, understood
from tests.tracers.real.tracers import TRACERS, Tracer
from tests.tracers.report import Played, store_report
from tracehound.streams.intake.formats.decode import SpanLimits, decode_spans


@pytest.fixture(scope="module")
def played() -> Iterator[list[Played]]:
    """What each tracer led to; stored as figures where all of them were really run on purpose."""
    found: list[Played] = []
    yield found
    if os.environ.get(REAL) and len(found) == len(TRACERS):
        store_report(found)


def check(tracer: Tracer, values: Sequence[bytes]) -> dict[str, bool]:
    answers = understood(values)
    assert {question for question, answer in answers.items() if not answer} == set(tracer.lost)
    assert {decode_spans(value, SpanLimits()).format for value in values} == {tracer.writes}
    return answers


@pytest.mark.parametrize("tracer", TRACERS, ids=lambda tracer: tracer.name)
def test_the_recorded_scene_is_understood(tracer: Tracer) -> None:
    check(tracer, scene_of(tracer))


@pytest.mark.parametrize("tracer", TRACERS, ids=lambda tracer: tracer.name)
def test_the_scene_is_understood(tracer: Tracer, tmp_path: Path, played: list[Played]) -> None:
    program = tracer.install.split(maxsplit=1)[0]
    if not os.environ.get(REAL) or not shutil.which(program):
        pytest.skip(f"{tracer.name} is really run by `make test-tracers`, where {program} is at hand")
    try:
        folder = installed(tracer)
    except CalledProcessError as error:
        pytest.fail(f"{tracer.name} cannot be installed: {error}")

    values = play(tracer.command, folder, tracer.environment, tmp_path, tracer.topic)

    played.append((tracer, check(tracer, values)))
    if os.environ.get(RECORD):
        record(tracer, values)

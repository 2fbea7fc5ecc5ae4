"""Hostile records are refused, one and all, and nothing in them runs; they would be harmful where they were trusted."""

import pickle
import random
from pathlib import Path

import pytest

from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.model_state import unpack_state
from tracehound.schemas.pieces import Wholes
from tracehound.scripts.soak.hostile import hostile_values


@pytest.fixture
def values(tmp_path: Path) -> list[bytes]:
    return hostile_values(tmp_path / "folder", "shop", random.Random(1))


def test_none_of_them_is_a_state_and_each_but_the_torn_one_is_told(values: list[bytes], tmp_path: Path) -> None:
    refused = 0
    torn = 0
    for value in values:
        wholes = Wholes()
        complete = wholes.add(value)
        refused += len(wholes.problems)
        torn += not complete and not wholes.problems
        for whole in complete:
            with pytest.raises(SnapshotError):
                unpack_state(whole)
            refused += 1
    assert torn == 1
    assert refused == len(values) - 1
    assert not (tmp_path / "folder").exists()


def test_the_pickle_among_them_is_armed(values: list[bytes], tmp_path: Path) -> None:
    assert any(_unpickled(value) for value in values)
    assert (tmp_path / "folder").exists()


def _unpickled(value: bytes) -> bool:
    try:
        pickle.loads(value)
    except Exception:  # noqa: BLE001 (what else lies there is no pickle, and may raise anything)
        return False
    return True

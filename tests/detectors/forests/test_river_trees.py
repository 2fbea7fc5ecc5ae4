"""Where River's trees split is kept, and asked again where what is kept is of no use."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tracehound.detectors.forests.river_trees import splits

ASKED = (2, 3, 50, 4)


def same(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def anew(folder: Path | None) -> tuple[np.ndarray, np.ndarray]:
    splits.cache_clear()
    return splits(*ASKED, folder)


def test_what_is_kept_is_what_river_says(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    told = anew(None)
    assert told[0].shape == told[1].shape == (2, 7)
    assert [one.dtype.name for one in told] == ["uint8", "float64"]
    assert same(anew(folder), told)
    (file,) = folder.iterdir()
    kept = file.read_bytes()
    assert same(anew(folder), told)
    assert file.read_bytes() == kept


@pytest.mark.parametrize("damage", [b"", b"nonsense", "cut", "another feature"])
def test_what_is_of_no_use_is_asked_again(damage: bytes | str, tmp_path: Path) -> None:
    told = anew(tmp_path)
    (file,) = tmp_path.iterdir()
    kept = file.read_bytes()
    if damage == "another feature":
        found = np.load(file)
        found["feature"][0, 0] = 4
        with file.open("wb") as opened:
            np.save(opened, found)
    else:
        file.write_bytes(kept[:-1] if isinstance(damage, str) else damage)
    assert same(anew(tmp_path), told)
    assert file.read_bytes() == kept


def test_where_nothing_can_be_kept_river_is_asked(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert same(anew(tmp_path / "file"), anew(None))


def test_once_it_is_kept_a_scorer_starts_without_river() -> None:
    code = """
import sys
from tracehound.detectors.forests.half_space_trees import HalfSpaceTrees
HalfSpaceTrees()
print("river" in sys.modules)
"""
    said = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    assert said[1].stdout == "False\n"

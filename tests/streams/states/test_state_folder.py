"""Copies of states outlive a worker where a folder is set, and never belong to another topic of the same name."""

from pathlib import Path

from tracehound.streams.states.state_folder import StateFolder


def test_a_folder_is_named_by_the_topics_id_which_is_asked_once(tmp_path: Path) -> None:
    asked = iter(["id-1"])
    folder = StateFolder(tmp_path, "states", lambda: next(asked))
    assert folder.path() == tmp_path / "states" / "id-1"
    assert folder.path() == tmp_path / "states" / "id-1"
    folder.path().mkdir(parents=True)
    folder.close()
    assert folder.path().exists()


def test_without_an_id_it_is_temporary(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path, "states", lambda: None)
    path = folder.path()
    assert tmp_path not in path.parents
    assert path.is_dir()
    folder.close()
    assert not path.exists()


def test_without_a_parent_nobody_is_asked_for_an_id() -> None:
    def never() -> str:
        raise AssertionError("a broker was asked")

    folder = StateFolder(None, "states", never)
    path = folder.path()
    folder.close()
    assert not path.exists()
    StateFolder(None, "states", never).close()

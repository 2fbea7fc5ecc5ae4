"""The copy of model states on disk."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.streams.damage import damage
from tracehound.schemas.model_state import Head, ModelState
from tracehound.streams.states.state_store import DamagedCopyError, StateStore

SHOP, TILL = ("shop", ""), ("till", "test")


def state(position: int, key: tuple[str, str] = SHOP, snapshot: bytes = b"") -> ModelState:
    return ModelState(*key, Head(position, [("spans", 3, position)], 5.0, 6.0), snapshot or b"at %d" % position)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "0.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[StateStore]:
    store = StateStore(path)
    yield store
    store.close()


def test_the_highest_position_wins_in_any_order(store: StateStore) -> None:
    for position in (5, 9, 7):
        store.put([state(position)])
    store.put([state(3, TILL)])
    assert store.snapshot(SHOP) == b"at 9"
    assert store.heads() == {SHOP: state(9).head, TILL: state(3).head}
    assert store.snapshot(("other", "")) is None


def test_a_state_at_the_same_position_replaces(store: StateStore) -> None:
    store.put([state(5), state(5, snapshot=b"again")])
    assert store.snapshot(SHOP) == b"again"


def test_records_are_known_by_application(store: StateStore) -> None:
    store.put([], {b"a": SHOP, b"b": SHOP, b"c": TILL})
    store.forget_records([b"a"])
    assert (store.records(SHOP), store.records(TILL)) == ({b"b"}, {b"c"})


def test_forgetting_a_state_keeps_its_records_and_neighbours(store: StateStore) -> None:
    store.put([state(5), state(5, TILL)], {b"a": SHOP})
    store.forget([SHOP])
    assert set(store.heads()) == {TILL}
    assert store.records(SHOP) == {b"a"}
    store.put([state(2)])  # what was forgotten no longer counts as newer
    assert store.snapshot(SHOP) == b"at 2"


def test_clearing_forgets_everything(store: StateStore) -> None:
    store.put([state(5)], {b"a": SHOP}, 77)
    store.clear()
    assert (store.heads(), store.records(SHOP), store.following) == ({}, set(), 0)


def test_everything_is_there_after_reopening(path: Path) -> None:
    first = StateStore(path)
    first.put([state(5)], {b"a": SHOP}, 77)
    first.close()
    again = StateStore(path)
    assert (again.snapshot(SHOP), again.records(SHOP), again.following) == (b"at 5", {b"a"}, 77)
    again.close()


def test_a_damaged_file_is_made_anew(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all" * 1_000)
    store = StateStore(path)
    assert (store.heads(), store.following) == ({}, 0)
    store.put([state(5)])
    store.close()


def test_a_file_whose_damage_sqlite_quotes_is_made_anew(path: Path) -> None:
    store = StateStore(path)
    store.put([state(5)], {}, 77)
    store.close()
    written = path.read_bytes()
    assert b"WITHOUT ROWID" in written
    path.write_bytes(written.replace(b"WITHOUT ROWID", b"WITHOUT \xd2OWID"))
    store = StateStore(path)
    assert (store.heads(), store.following) == ({}, 0)
    store.close()


@pytest.mark.parametrize("seed", range(40))
def test_what_is_read_of_a_damaged_file_is_right_or_refused(path: Path, seed: int) -> None:
    draw = random.Random(seed)
    states = [state(number, (f"app-{number}", ""), draw.randbytes(draw.randrange(9_000))) for number in range(60)]
    records = {f"record-{number}".encode() * 5: states[number % 60].key for number in range(200)}
    store = StateStore(path)
    store.put(states, records, 77)
    store.close()
    damage(path, draw)
    store = StateStore(path)
    empty = store.following == 0 if _readable(store) else False
    for one in states:
        with suppress(DamagedCopyError):
            assert empty or store.snapshot(one.key) in (one.snapshot, None)
            assert store.records(one.key) <= {key for key, of in records.items() if of == one.key}
    with suppress(DamagedCopyError):
        found = store.heads()
        assert found == ({} if empty else {one.key: one.head for one in states})
    store.close()


def _readable(store: StateStore) -> bool:
    try:
        assert store.following in (0, 77)
    except DamagedCopyError:
        return False
    return True


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE states SET position = 90",
        "UPDATE states SET head = x'9405'",
        "UPDATE states SET snapshot = x'00'",
        "UPDATE states SET application = 'till'",
        "UPDATE states SET application = CAST(x'ff' AS TEXT)",
        "UPDATE progress SET following = 99",
        "UPDATE progress SET following = 'far'",
        "UPDATE records SET key = x'ff'",
        "UPDATE records SET application = 'till'",
        "DROP TABLE states",
    ],
)
def test_a_changed_row_is_damage(path: Path, change: str) -> None:
    store = StateStore(path)
    store.put([state(5)], {b"a": SHOP}, 77)
    store.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(change)
    other.close()
    store = StateStore(path)
    with pytest.raises(DamagedCopyError):
        _ = (store.following, store.heads(), store.snapshot(SHOP), store.records(SHOP), store.records(("till", "")))
    store.close()


def test_a_file_of_another_format_is_made_anew(path: Path) -> None:
    store = StateStore(path)
    store.put([state(5)], {}, 77)
    store.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA user_version = 1")
    other.close()
    store = StateStore(path)
    assert (store.heads(), store.following) == ({}, 0)
    store.close()


def test_a_full_disk_is_no_damage(store: StateStore) -> None:
    store.put([state(5)], {}, 77)
    (pages,) = store._database.execute("PRAGMA page_count").fetchone()
    store._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        store.put([state(6, TILL, bytes(100_000))])
    assert store.heads() == {SHOP: state(5).head}


def test_a_file_in_use_elsewhere_is_not_removed(path: Path) -> None:
    first = StateStore(path)
    first.put([state(5)])
    first.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    other.execute("INSERT INTO progress VALUES (1, 1, x'00')")
    with pytest.raises(sqlite3.OperationalError):
        StateStore(path)
    other.execute("ROLLBACK")
    other.close()
    again = StateStore(path)
    assert again.snapshot(SHOP) == b"at 5"
    again.close()


def test_all_or_nothing_is_kept(store: StateStore) -> None:
    with pytest.raises(sqlite3.Error):
        store.put([state(5)], {b"a": ("shop", {})})  # type: ignore[dict-item] # what cannot be stored
    assert (store.heads(), store.records(SHOP)) == ({}, set())


def test_thousands_of_states_are_found_one_by_one(store: StateStore) -> None:
    keys = [(f"app-{number}", "test") for number in range(5_000)]
    store.put([state(number, key) for number, key in enumerate(keys)], {key[0].encode(): key for key in keys}, 5_000)
    assert len(store.heads()) == 5_000
    assert store.snapshot(keys[4_321]) == b"at 4321"
    assert store.records(keys[4_321]) == {b"app-4321"}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_name_is_kept_apart(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    store = StateStore(tmp_path_factory.mktemp("store") / "0.sqlite")
    store.put([state(1, (name, "")), state(2, (name + "\0", "")), state(3, ("", name + "x"))])
    assert store.snapshot((name, "")) == b"at 1"
    assert store.snapshot((name + "\0", "")) == b"at 2"
    store.close()

"""Model states in a compacted topic in memory, with copies on disk."""

import asyncio
import random
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.streams.conftest import until
from tests.streams.damage import damage
from tracehound.schemas.model_state import Head, ModelState, RecordKey, owner_of, pack_state
from tracehound.schemas.pieces import split
from tracehound.streams.kafka.publisher import RefusedError
from tracehound.streams.states.model_states import ModelStates, StateUnavailableError

SHOP, TILL = ("shop", ""), ("till", "")
Make = Callable[..., ModelStates]


def state(position: int, key: tuple[str, str] = SHOP, snapshot: bytes = b"") -> ModelState:
    return ModelState(*key, Head(position), snapshot or b"at %d" % position)


def run(test: Awaitable[None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(120):
            await test

    asyncio.run(limited())


async def positions(states: ModelStates) -> dict[tuple[str, str], int]:
    return {key: head.position for key, head in (await states.load([0]))[0].items()}


def test_what_was_saved_is_found_by_another_worker(model_states: Make) -> None:
    async def test() -> None:
        written = await model_states(1).save(0, [state(5), state(6, TILL)])
        other = model_states(2, "other")
        assert await positions(other) == {SHOP: 5, TILL: 6}
        assert await other.snapshot(0, SHOP) == b"at 5"
        assert await other.snapshot(0, ("nobody", "")) is None
        assert written > 0

    run(test())


def test_keys_carry_generation_and_turn(model_states: Make, changelog: Any) -> None:
    async def test() -> None:
        states = model_states(7)
        for position in (1, 2, 3):
            await states.save(0, [state(position)])
        keys = [record.key for record in changelog.records[0]]
        assert keys == [RecordKey("shop", "", 7, turn, 0).encoded() for turn in (0, 1, 0)]

    run(test())


def test_records_of_earlier_generations_are_removed(model_states: Make, changelog: Any) -> None:
    async def test() -> None:
        for position in (1, 2):
            await model_states(1).save(0, [state(position), state(position, TILL)])
        later = model_states(2, "other")
        await later.load([0])
        await later.save(0, [state(3)])
        shop = RecordKey("shop", "", 2, 0, 0).encoded()
        assert {key for key in changelog.live() if b"shop" in key} == {shop}
        assert any(b"till" in key for key in changelog.live())
        changelog.compact()
        assert await positions(model_states(3, "third")) == {SHOP: 3, TILL: 2}

    run(test())


def test_a_removed_state_is_gone_for_all(model_states: Make, changelog: Any) -> None:
    async def test() -> None:
        states, other = model_states(1), model_states(1, "other")
        await states.save(0, [state(1), state(1, TILL)])
        assert set(await positions(other)) == {SHOP, TILL}
        await states.remove(0, [SHOP])
        assert await states.snapshot(0, SHOP) is None
        assert set(await positions(other)) == {TILL}
        changelog.compact()
        assert set(await positions(model_states(1, "third"))) == {TILL}

    run(test())


def test_a_late_record_of_a_zombie_does_not_win(model_states: Make, changelog: Any) -> None:
    async def test() -> None:
        zombie, owner = model_states(1), model_states(2, "other")
        await zombie.save(0, [state(5)])
        await owner.load([0])
        await owner.save(0, [state(50)])
        await zombie.save(0, [state(9)])
        changelog.compact()
        assert await positions(model_states(3, "third")) == {SHOP: 50}
        assert await positions(owner) == {SHOP: 50}

    run(test())


def test_only_the_tail_is_read_again(model_states: Make, changelog: Any) -> None:
    async def test() -> None:
        states = model_states(1)
        await states.save(0, [state(1), state(1, TILL)])
        await states.load([0])
        await states.release([0])
        await model_states(2, "other").save(0, [state(4)])
        assert await positions(states) == {SHOP: 4, TILL: 1}
        assert changelog.reads == [{0: 0}, {0: 2}]

    run(test())


def test_a_topic_made_anew_is_read_from_its_start(model_states: Make, changelog: Any) -> None:
    async def test() -> None:
        states = model_states(1)
        for position in range(1, 5):
            await states.save(0, [state(position)])
        await states.load([0])
        changelog.records.clear()
        changelog._ends.clear()
        await model_states(1, "other").save(0, [state(2, TILL)])
        assert await positions(states) == {TILL: 2}

    run(test())


def test_a_save_that_was_interrupted_leaves_the_last_state_whole(
    model_states: Make, changelog: Any, fake_publisher: Any
) -> None:
    async def test() -> None:
        states = model_states(1)
        large = bytes(5_000_000)
        await states.save(0, [state(1, snapshot=large)])
        fake_publisher.limit = 10_000_000
        for position in (2, 3, 4):  # the second of two pieces is refused
            fake_publisher.limit = 3_000_000
            with pytest.raises(RefusedError):
                await states.save(0, [state(position, snapshot=large)])
        changelog.compact()
        other = model_states(2, "other")
        assert await positions(other) == {SHOP: 1}

    fake_publisher.limit = 10_000_000
    run(test())


def test_pieces_read_in_two_readings_meet(model_states: Make, changelog: Any) -> None:
    async def test() -> None:
        states = model_states(1)
        pieces = pack_state(state(9, snapshot=b"large" * 10), piece_bytes=40)
        for index, value in enumerate(pieces[:-1]):
            changelog.append(0, RecordKey("shop", "", 1, 0, index).encoded(), value)
        assert await positions(states) == {}
        changelog.append(0, RecordKey("shop", "", 1, 0, len(pieces) - 1).encoded(), pieces[-1])
        assert await positions(states) == {SHOP: 9}
        assert len(pieces) > 1

    run(test())


def test_hostile_records_are_passed_over(
    model_states: Make, changelog: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    async def test() -> None:
        key = RecordKey("shop", "", 9, 0, 0).encoded()
        (of_till,) = pack_state(state(99, TILL))
        (content,) = pack_state(state(99))
        for name, value in [
            (None, content),
            (b"\xff", content),
            (key, b"random"),
            (key, b"\x80\x04\x95pickled."),
            (key, of_till),
            (key, split(owner_of(SHOP), 99, b"no state")[0]),
            (key, content[:-5]),
            (b'["shop","",9,1,0]', pack_state(state(7))[0]),
        ]:
            changelog.append(0, name, value)
        assert await positions(model_states(1)) == {SHOP: 7}
        assert capsys.readouterr().out.count("model_state_refused") == 5

    run(test())


def test_a_rebalance_while_states_are_loaded_or_saved_does_no_harm(
    model_states: Make, changelog: Any, fake_publisher: Any
) -> None:
    async def test() -> None:
        states = model_states(1)
        await states.save(0, [state(n, (f"app-{n}", "")) for n in range(20)])
        changelog.pages = 1
        loading = asyncio.create_task(positions(states))
        for _ in range(10):
            await asyncio.sleep(0.001)
            await states.release([0])
        assert len(await loading) == 20
        fake_publisher.gate.clear()
        saving = asyncio.create_task(states.save(0, [state(50)]))
        await asyncio.sleep(0.01)
        await states.release([0])
        fake_publisher.gate.set()
        await saving
        assert await states.snapshot(0, SHOP) == b"at 50"

    run(test())


@pytest.mark.parametrize("blocked", ["states", "states/0.sqlite"])
def test_a_folder_that_cannot_be_used_is_named(model_states: Make, tmp_path: Path, blocked: str) -> None:
    path = tmp_path / blocked
    if path.suffix:
        path.mkdir(parents=True)
    else:
        path.write_text("a file")

    async def test() -> None:
        with pytest.raises(StateUnavailableError, match=r"'state_dir' must name a folder .*states"):
            await model_states(1).load([0])

    run(test())


# --- copies that are damaged


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_copy_is_read_from_the_topic_again(model_states: Make, tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    stored = [state(n, (f"app-{n}", ""), draw.randbytes(draw.randrange(9_000))) for n in range(30)]

    async def test() -> None:
        states = model_states(1)
        await states.save(0, stored)
        await states.load([0])
        await states.release([0])
        damage(tmp_path / "states" / "0.sqlite", draw)
        assert await positions(states) == {one.key: one.head.position for one in stored}
        for one in stored:
            assert await states.snapshot(0, one.key) == one.snapshot
        await states.save(0, [state(99)])
        assert await states.snapshot(0, SHOP) == b"at 99"

    run(test())


def change(path: Path, statement: str) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(statement)
    other.close()


def test_damage_that_shows_while_the_worker_runs_does_not_stop_it(
    model_states: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "states" / "0.sqlite"

    async def test() -> None:
        states = model_states(1)
        await states.save(0, [state(5), state(6, TILL)])
        await states.load([0])
        change(path, "UPDATE states SET snapshot = x'00'")
        assert await states.snapshot(0, TILL) == b"at 6"
        change(path, "DROP TABLE records")
        await states.save(0, [state(7)])
        change(path, "DROP TABLE records")
        await states.remove(0, [TILL])
        assert await positions(states) == {SHOP: 7}
        assert await positions(model_states(2, "other")) == {SHOP: 7}
        assert capsys.readouterr().out.count("model_state_copy_damaged") == 3

    run(test())


def test_nothing_is_looked_for_in_a_copy_that_is_being_read_again(
    model_states: Make, changelog: Any, tmp_path: Path
) -> None:
    async def test() -> None:
        states = model_states(1)
        await states.save(0, [state(n, (f"app-{n}", "")) for n in range(20)])
        await states.load([0])
        changelog.pages = 1
        change(tmp_path / "states" / "0.sqlite", "UPDATE states SET snapshot = x'00'")
        finding = [asyncio.create_task(states.snapshot(0, (f"app-{n}", ""))) for n in range(20)]
        assert await asyncio.gather(*finding) == [b"at %d" % n for n in range(20)]
        change(tmp_path / "states" / "0.sqlite", "UPDATE states SET snapshot = x'00'")
        changelog.gate.clear()
        interrupted = asyncio.create_task(states.snapshot(0, ("app-19", "")))
        await until(lambda: len(changelog.reads) == 3, "the topic is read again")
        interrupted.cancel()
        with pytest.raises(asyncio.CancelledError):
            await interrupted
        changelog.gate.set()
        assert await states.snapshot(0, ("app-19", "")) == b"at 19"

    run(test())


# --- newer states that cannot be read


def test_an_application_whose_newest_state_is_damaged_is_in_doubt_until_a_newer_one_is_read(
    model_states: Make, changelog: Any
) -> None:
    async def test() -> None:
        owner = model_states(1)
        await owner.save(0, [state(5), state(5, TILL)])
        (damaged,) = pack_state(state(9))
        changelog.append(0, RecordKey("shop", "", 1, 1, 0).encoded(), damaged[:-1] + b"?")
        successor = model_states(2, "other")
        for _ in range(2):  # it is still in doubt after the next start, from what is on disk
            assert await positions(successor) == {SHOP: 5, TILL: 5}
            assert list(successor.doubts(0)) == [SHOP]
            assert "digest" in successor.doubts(0)[SHOP]
        await successor.save(0, [state(12)])
        for states in (successor, model_states(3, "third")):
            assert await positions(states) == {SHOP: 12, TILL: 5}
            assert states.doubts(0) == {}

    run(test())


def test_a_damaged_record_before_a_newer_state_is_no_doubt(model_states: Make, changelog: Any) -> None:
    async def test() -> None:
        changelog.append(0, RecordKey("shop", "", 1, 1, 0).encoded(), b"random")
        await model_states(1).save(0, [state(5)])
        states = model_states(2, "other")
        await states.load([0])
        assert states.doubts(0) == {}

    run(test())


def test_a_state_that_was_removed_on_purpose_is_no_doubt(model_states: Make, changelog: Any) -> None:
    async def test() -> None:
        key = RecordKey("shop", "", 1, 1, 0).encoded()
        changelog.append(0, key, b"random")
        changelog.append(0, RecordKey("till", "", 1, 1, 0).encoded(), b"random")
        changelog.append(0, key, None)
        states = model_states(2)
        assert await positions(states) == {}
        assert list(states.doubts(0)) == [TILL]

    run(test())

"""Templates of messages: alike ones share one, levels never do, and what was stored goes on as if nothing happened."""

import random
from collections.abc import Iterator

import msgspec
import pytest

from tracehound.detectors.logs.stored_templates import StoredTemplates
from tracehound.detectors.logs.templates import LONGEST_NAME, SETTLED_AT, Mined, TemplateMiner
from tracehound.schemas.log_levels import LEVELS, Level

WORDS = [
    "disk",
    "queue",
    "user",
    "cart",
    "order",
    "payment",
    "cache",
    "node",
    "retry",
    "timeout",
    "closed",
    "opened",
    "slow",
    "lost",
    "found",
]


def messages(seed: int, count: int = 2_000) -> Iterator[tuple[str, Level]]:
    """Messages of some dozens of templates, with words and numbers that vary, and now and then one that is new."""
    chance = random.Random(seed)
    shapes = [[chance.choice(WORDS) for _ in range(chance.randint(1, 9))] for _ in range(60)]
    for number in range(count):
        shape = list(chance.choice(shapes))
        if len(shape) > 4:
            shape[-1] = chance.choice(["ann", "bob", "eve", str(number)])
        if chance.random() < 0.02:
            shape = [f"unheard{chance.choice('abcdefgh')}", *shape]
        yield " ".join(shape), chance.choice(LEVELS)


def copied(miner: TemplateMiner, most: int) -> TemplateMiner:
    """The miner once it has been written and read, as a checkpoint is."""
    packed = msgspec.msgpack.encode(miner.snapshot())
    return TemplateMiner.restore(msgspec.msgpack.decode(packed, type=StoredTemplates), most)


@pytest.mark.parametrize("most", [20, 500])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_restored_miner_goes_on_exactly_as_if_nothing_had_happened(seed: int, most: int) -> None:
    whole, restored = TemplateMiner(most), TemplateMiner(most)
    for number, (message, level) in enumerate(messages(seed)):
        if number % 97 == 0:
            restored = copied(restored, most)
        assert restored.learn_one(message, level) == whole.learn_one(message, level)
    assert msgspec.msgpack.encode(restored.snapshot()) == msgspec.msgpack.encode(whole.snapshot())
    assert restored.nbytes <= whole.nbytes  # templates have lost words since they were made
    assert len(whole) <= most


def test_what_varies_is_one_template_and_levels_are_apart() -> None:
    miner = TemplateMiner()
    mined = [
        miner.learn_one(f"user {name} paid {n} EUR for cart {n}", "info") for n, name in enumerate(["a", "b", "c"])
    ]
    assert {one.template_id for one in mined} == {1}
    assert mined[-1] == Mined(1, "user <*> paid <num> EUR for cart <num>", "user a paid <num> EUR for cart <num>", 3)
    assert miner.learn_one("user d paid 9 EUR for cart 9", "error").template_id == 2
    assert miner.learn_one("user d paid 9 EUR", "info").template_id == 3


def test_a_settled_template_keeps_its_name() -> None:
    miner = TemplateMiner()
    for _ in range(SETTLED_AT):
        miner.learn_one("connection to db is closed now", "error")
    mined = miner.learn_one("connection to cache is closed now", "error")
    assert (mined.template_id, mined.name) == (1, "connection to db is closed now")


def test_the_least_recently_seen_gives_way_and_comes_back_as_new() -> None:
    miner = TemplateMiner(8)
    for word in WORDS[:8]:
        miner.learn_one(f"{word} one", "info")
    miner.learn_one(f"{WORDS[0]} one", "info")
    miner.learn_one("something else", "info")
    assert len(miner) == 8
    assert miner.learn_one(f"{WORDS[0]} one", "info").count == 3
    assert miner.learn_one(f"{WORDS[1]} one", "info").count == 1


def test_messages_that_are_all_different_take_bounded_memory() -> None:
    chance, miner = random.Random(1), TemplateMiner(50)
    sizes = []
    for number in range(3_000):
        text = " ".join("".join(chance.choices("abcdefghij", k=8)) for _ in range(chance.randint(1, 60)))
        miner.learn_one(text, "info")
        if number % 500 == 499:
            sizes.append(len(msgspec.msgpack.encode(miner.snapshot())))
    assert len(miner) == 50
    assert max(sizes) < 150_000


@pytest.mark.parametrize(
    "message", [" ", "\n\n", "1", "x" * 100_000, "a b " * 50_000, "first line\nat second line", "<*>"]
)
def test_any_message_has_a_template_with_a_name(message: str) -> None:
    mined = TemplateMiner().learn_one(message, "info")
    assert 0 < len(mined.name) <= LONGEST_NAME
    assert "second" not in mined.name


def test_secrets_are_in_no_template() -> None:
    miner = TemplateMiner()
    miner.learn_one("login with password=hunter2 failed", "error")
    assert b"hunter2" not in msgspec.msgpack.encode(miner.snapshot())


def damaged() -> Iterator[StoredTemplates]:
    """What was stored with one thing wrong each."""

    def fresh() -> StoredTemplates:
        miner = TemplateMiner()
        for message, level in messages(3, 200):
            miner.learn_one(message, level)
        return msgspec.msgpack.decode(msgspec.msgpack.encode(miner.snapshot()), type=StoredTemplates)

    wrong: list[tuple[str, object]] = [("template_id", 0), ("template_id", 10**6), ("count", 0), ("count", -1)]
    wrong += [("tokens", []), ("tokens", ["x"] * 10_000), ("tokens", ["x" * 10_000])]
    wrong += [("first", ""), ("name", "x" * 10_000)]
    for name, value in wrong:
        stored = fresh()
        setattr(stored.templates[0], name, value)
        yield stored
    for counter in (-1, 2**63):
        stored = fresh()
        stored.counter = counter
        yield stored
    stored = fresh()
    stored.templates.append(stored.templates[0])
    yield stored
    stored = fresh()
    stored.root.children.clear()
    yield stored
    stored = fresh()
    deep = stored.root
    for _ in range(3):
        deep = next(iter(deep.children.values()))
    deep.children["deeper"] = type(deep)({}, [])
    yield stored


@pytest.mark.parametrize("number", range(14))
def test_what_cannot_have_been_stored_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="of stored templates is none that was written"):
        TemplateMiner.restore(list(damaged())[number])


def test_there_are_as_many_damages_as_are_tried() -> None:
    assert len(list(damaged())) == 14

"""Records that nobody should have sent: damaged, odd and hostile ones, of each kind some."""

import gzip
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from tracehound.schemas.control import CONTROL_HEADER
from tracehound.scripts.strangers import executions, small
from tracehound.scripts.strangers.mutation import mutated
from tracehound.scripts.strangers.values import Given, Makers, Records, given
from tracehound.streams.kafka.forwarding import origin_headers
from tracehound.streams.kafka.odd_records import UNREAD_HEADER

_OF_A_KIND: Final = 60
_BYTES_OF_A_KIND: Final = 300_000
_EXPANDED: Final = 20_000_000

_numbers = itertools.count(1)


def _many(make: Callable[[], Given | bytes]) -> Callable[[], Records]:
    return lambda: [make() for _ in range(_OF_A_KIND)]


def kinds(seeds: Sequence[bytes], topic: str, chance: random.Random) -> Makers:
    """Makers of records by what they are.

    Parameters:
        seeds: good records, to be damaged.
        topic: where the records go, which some of them claim to come from.
    """
    return {
        **executions.KINDS,
        **small.EXECUTIONS,
        "damaged ones": lambda: [*mutated(seeds, _OF_A_KIND, f"{next(_numbers)} {chance.random()}")],
        "random bytes": _many(lambda: chance.randbytes(chance.randrange(2_000))),
        "headers that lie": _many(lambda: _lying(chance.choice(seeds), topic, chance)),
        "applications that nobody knows": _many(
            lambda: executions.good(next(_numbers), application=f"{chance.getrandbits(64):x}")
        ),
        "good ones, packed": _many(lambda: gzip.compress(chance.choice(seeds))),
        "a packed one that expands": lambda: [gzip.compress(b"[" + bytes(_EXPANDED))],
        "brackets without an end": lambda: [b"[" * 300_000, b'{"a":' * 60_000, b'[{"segments":[' * 20_000],
        "deep attributes": lambda: [
            executions.good(1).replace(b'"duration_ms"', b'"attributes":{"a":%b},"duration_ms"' % nested, 1)
            for nested in (b"[" * 9_000 + b"]" * 9_000, b'{"a":' * 400 + b"1" + b"}" * 400)
        ],
    }


def _lying(value: bytes, topic: str, chance: random.Random) -> Given:
    """A record with headers that only tracehound writes."""
    origin = dict(origin_headers((), topic, chance.choice([0, 1, 99]), chance.choice([0, 2**40, 10**18])))
    name = chance.choice([*origin])
    origin[name] = chance.choice([origin[name], b"", b"-1", b"9" * 30, b"\xff" * 50])
    further = chance.choice([[], [(CONTROL_HEADER, b"reset")], [(UNREAD_HEADER, b"")]])
    return Given(value, (*origin.items(), *further))


def some(records: Records, chance: random.Random) -> Iterator[Given]:
    """As many of a kind as are sent in one go: a bounded number, and bytes."""
    left = _BYTES_OF_A_KIND
    for one in chance.sample(given(records), min(_OF_A_KIND, len(records))):
        yield one
        left -= size(one)
        if left <= 0:
            return


def size(one: Given) -> int:
    """Bytes of a record's value and headers."""
    return len(one.value or b"") + sum(len(name) + len(content) for name, content in one.headers)

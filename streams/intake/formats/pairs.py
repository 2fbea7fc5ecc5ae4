"""Names and values in Protobuf, read from their bytes: a name decides whether the value is worth it."""

from collections.abc import Callable, Iterable

from google.protobuf.message import DecodeError

from tracehound.streams.intake.conventions.names import Spelling, by_concept
from tracehound.streams.intake.conventions.texts import AttributeValue
from tracehound.streams.intake.formats.declared import as_text, declare

KEY, TEXT_VALUE = 0x0A, 0x12  # tags of a field 1 and a field 2, both with a length
_KEY = b"\n"

ReadPair = Callable[[bytes, int], AttributeValue | None]
"""The value of a pair whose name ends before this byte; None where it has none that is wanted."""

_Hit = tuple[str, AttributeValue, int]
"""What a pair says, its value, and the place of its name among those that say the same."""

PAIR = declare("tracehound.pair", {"Pair": "key 1 string, value 2 string"}).Pair
_REMEMBERED = 20_000
_REMEMBERED_BYTES = 80
_VALUES_OF_A_NAME = 100
"""So many values of a name that is not wanted come again, or none do."""
_VARIOUS = frozenset(("path", "url", "zipkin path", "bare uri"))
"""What seldom comes again: it would only push out what does."""


class PairReader:
    """Reads the wanted ones of pairs, the same bytes only once as long as they are remembered.

    Most values come again and again (methods, routes, statuses, addresses), and reading them takes most of the time of
    decoding. Pairs that are not wanted are remembered as well, but for those of names with ever other values. Memory is
    bounded: at most 20,000 pairs of at most 80 bytes of each.

    Parameters:
        spelling: names with what they say.
        read: reads a value.
        read_all: name and value of a pair that is not written as usual.
    """

    def __init__(
        self, spelling: Spelling, read: ReadPair, read_all: Callable[[bytes], tuple[str, AttributeValue | None]]
    ) -> None:
        self._spelling = spelling
        self._wanted = {
            name.encode(): (concept, place, concept not in _VARIOUS) for name, (concept, place) in spelling.items()
        }
        self._read = read
        self._read_all = read_all
        self._known: dict[bytes, _Hit] = {}
        self._unwanted: set[bytes] = set()
        self._unwanted_names: dict[bytes, int] = {}  # and how many pairs of each are remembered

    def __call__(self, pairs: Iterable[bytes]) -> dict[str, AttributeValue]:
        """Values by what they say; of names that say the same, the first with a value counts."""
        found: dict[str, AttributeValue] = {}
        count = 0
        known, unwanted, wanted_names = self._known, self._unwanted, self._wanted
        for pair in pairs:
            hit = known.get(pair)
            if hit is None:
                if pair in unwanted:
                    continue
                named = pair if len(pair) > 1 and pair[0] == KEY else _name_first(pair)
                if len(named) < 2:
                    return self._slowly(pairs)
                end = named[1] + 2
                name = named[2:end]
                wanted = wanted_names.get(name)
                if wanted is None:
                    if len(pair) <= _REMEMBERED_BYTES:
                        self._pass_over(name, pair)
                    continue
                value = self._read(named, end)
                if value is None:
                    continue
                concept, place, comes_again = wanted
                hit = (concept, value, place)
                if comes_again and len(pair) <= _REMEMBERED_BYTES:
                    if len(known) >= _REMEMBERED:
                        known.clear()
                    known[pair] = hit
            concept, value, _ = hit
            found[concept] = value
            count += 1
        return found if len(found) == count else self._by_place(pairs)

    def _pass_over(self, name: bytes, pair: bytes) -> None:
        """Remember a pair that is not wanted, unless its name has ever other values."""
        values = self._unwanted_names.get(name, 0)
        if values >= _VALUES_OF_A_NAME:
            return
        if len(self._unwanted) >= _REMEMBERED:
            self._unwanted.clear()
            self._unwanted_names.clear()
            values = 0
        self._unwanted.add(pair)
        self._unwanted_names[name] = values + 1

    def _by_place(self, pairs: Iterable[bytes]) -> dict[str, AttributeValue]:
        """Where several names say the same; of a name that comes again, the last value counts."""
        named: dict[tuple[str, int], AttributeValue] = {}
        for pair in pairs:
            hit = self._known.get(pair)
            if hit is None:
                given = pair if pair[:1] == _KEY else _name_first(pair)
                if len(given) < 2:
                    return self._slowly(pairs)
                end = given[1] + 2
                wanted = self._wanted.get(given[2:end])
                value = None if wanted is None else self._read(given, end)
                if wanted is None or value is None:
                    continue
                hit = (wanted[0], value, wanted[1])
            named[hit[0], hit[2]] = hit[1]
        found: dict[str, AttributeValue] = {}
        for (concept, _), value in sorted(named.items(), key=lambda each: (each[1] == "", each[0][1])):
            found.setdefault(concept, value)
        return found

    def _slowly(self, pairs: Iterable[bytes]) -> dict[str, AttributeValue]:
        named: dict[str, AttributeValue] = {}
        for pair in pairs:
            name, value = self._read_all(pair)
            if value is not None:
                named[name] = value
        return by_concept(named, self._spelling)


def _name_first(pair: bytes) -> bytes:
    """The pair with its name before its value, as most write it: the Collector writes the last field first.

    Empty where it is neither.

    >>> _name_first(b"\\x12\\x02hi\\x0a\\x01a")
    b'\\n\\x01a\\x12\\x02hi'
    """
    if len(pair) < 4 or pair[0] != TEXT_VALUE:
        return b""
    end = pair[1] + 2
    if pair[1] >= 0x80:  # the length takes another byte
        end = (pair[1] & 0x7F) + (pair[2] << 7) + 3 if pair[2] < 0x80 else len(pair)
    if pair[end : end + 1] != _KEY or len(pair) != end + 2 + pair[end + 1]:
        return b""
    return pair[end:] + pair[:end]


def read_text(pair: bytes, end: int) -> str | None:
    """The text in field 2 of a pair."""
    size = len(pair)
    if end + 1 < size < end + 130 and pair[end] == TEXT_VALUE and pair[end + 1] == size - end - 2:
        return pair[end + 2 :].decode("utf-8", "replace")
    return read_text_pair(pair)[1]


def read_text_pair(pair: bytes) -> tuple[str, str | None]:
    """Name and value of a pair of texts.

    >>> read_text_pair(b"\\x12\\x02hi\\x0a\\x01a")
    ('a', 'hi')
    """
    try:
        message = PAIR.FromString(pair)
    except DecodeError:
        return "", None
    return as_text(message.key), as_text(message.value)

"""What deviating executions of an operation have in common that usual ones have not: a host, version, or attribute."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from scipy.special import betaln

from tracehound.detectors.features.attributes import HOST, VERSION, Pair
from tracehound.schemas.anomaly import Concentration

ATTRIBUTES = 8
"""Attributes that an operation compares beside host and version; those that tell most stay."""
INSTANCES, VALUES = 64, 12
"""Values that are told apart of hosts and versions, and of any other attribute, which is no use with more of them."""
LEFT_OUT = 32
"""Attributes that are remembered as no use."""
RECENT = 48
"""Deviating executions of an operation that are remembered."""
MEMORY = 128
"""At most so many sampled executions make what is usual, and at least half of them once they were seen."""
LEAST_USUAL, LEAST_DEVIATING = 20, 5
SHORTEST_S, LONGEST_S = 60.0, 600.0
"""What deviated within so much event time before an alarm is of one deviation, at least and at most."""
SOME = 6
"""Where those are fewer, so many of the longest time."""
CHANCE = 1e-4
"""Probability, all values together, below which it is not by chance that a value is so frequent."""
LEAST_SHARE, LEAST_LEAD = 0.5, 0.2
MOST_TOLD = 3

KINDS = {"latency": 1, "errors": 2, "structure": 4, "memory": 8}
"""Bits that say in what an execution deviates."""
_OF_KIND = {"latency": 1, "errors": 2, "structure": 4, "saturation": 9}
_ANY = 15
"""Those that an anomaly may be made of, by its kind; what is slow runs longer beside others."""


@dataclass(slots=True)
class Usual:
    """How often an attribute has which value, of ``count`` executions sampled since it came.

    At ``MEMORY`` all counts are halved, so that the newest weigh most; what was seen once is forgotten then.
    """

    count: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def halve(self) -> None:
        """Forget half."""
        self.count //= 2
        self.counts = {value: count // 2 for value, count in self.counts.items() if count > 1}

    def share(self, value: str) -> float:
        """The share of executions that have a value."""
        return min(1.0, self.counts.get(value, 0) / self.count) if self.count else 0.0

    @property
    def information(self) -> float:
        """Entropy in bits: nothing where it is always the same."""
        absent = max(0, self.count - sum(self.counts.values()))
        shares = (count / self.count for count in (absent, *self.counts.values()) if count)
        return -sum(share * math.log2(share) for share in shares)


@dataclass(slots=True)
class Contrast:
    """Bounded sketches of the attributes of an operation's usual executions, and its last deviating ones.

    ``samples`` counts usual ones. ``left_out`` are attributes that are no use: with too many values, or those that told
    least when another one wanted a place. ``recent`` are event time, bits of ``KINDS``, and pairs.

    Assumes that executions are dealt to hosts and attributes independently of each other. Fails where the first
    deviating ones come from one user or one retry: a few of them then agree in everything.

    >>> one = Contrast()
    >>> for number in range(300):
    ...     one.learn([("host", f"shop-{number % 9}"), ("version", "1")])
    >>> for number in range(8):
    ...     one.deviates(float(number), 1, [("host", "shop-7"), ("version", "1")])
    >>> [found] = concentrated([one], "latency", now_s=8.0)
    >>> found.attribute, found.value, found.share, round(found.usual_share, 2)
    ('host', 'shop-7', 1.0, 0.11)
    """

    samples: int = 0
    usual: dict[str, Usual] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    recent: list[tuple[float, int, tuple[Pair, ...]]] = field(default_factory=list)

    @staticmethod
    def wants(number: int) -> bool:
        """Whether to learn the operation's ``number``-th execution if it is usual: the first 32, then every 32nd."""
        return number <= 32 or number % 32 == 0

    def learn(self, pairs: Iterable[Pair]) -> None:
        """A usual execution."""
        self.samples = min(self.samples + 1, MEMORY)
        for name, value in pairs:
            known = self.usual.get(name) or self._welcome(name)
            if known is None:
                continue
            counts = known.counts
            counts[value] = counts.get(value, 0) + 1
            if len(counts) > VALUES and (name not in (HOST, VERSION) or len(counts) > INSTANCES):
                self._too_many(name, known)
        for known in self.usual.values():
            known.count += 1
            if known.count >= MEMORY:
                known.halve()

    def _welcome(self, name: str) -> Usual | None:
        """A place for an attribute, if there is one."""
        if name in self.left_out:
            return None
        others = [one for one in self.usual if one not in (HOST, VERSION)]
        if name not in (HOST, VERSION) and len(others) >= ATTRIBUTES:
            ripe = [one for one in others if self.usual[one].count >= LEAST_USUAL]
            if not ripe:
                return None
            self._leave_out(min(ripe, key=lambda one: (self.usual[one].information, one)))
        self.usual[name] = Usual()
        return self.usual[name]

    def _too_many(self, name: str, known: Usual) -> None:
        if name in (HOST, VERSION):  # they come and go
            del known.counts[min(known.counts, key=lambda value: known.counts[value])]
        else:
            self._leave_out(name)

    def _leave_out(self, name: str) -> None:
        del self.usual[name]
        self.left_out = [*self.left_out[-LEFT_OUT + 1 :], name]

    def deviates(self, at_s: float, kinds: int, pairs: Iterable[Pair]) -> None:
        """A deviating execution at event time ``at_s``."""
        self.recent.append((at_s, kinds, tuple(pair for pair in pairs if pair[0] not in self.left_out)))
        del self.recent[:-RECENT]

    def alike(self, kind: str, since_s: float) -> Iterator[tuple[float, tuple[Pair, ...]]]:
        """Event time and pairs of the executions that deviated in ``kind`` since ``since_s``."""
        bits = _OF_KIND.get(kind, _ANY)
        return ((at_s, pairs) for at_s, kinds, pairs in self.recent if kinds & bits and at_s >= since_s)

    def usual_share(self, pair: Pair) -> float:
        """Which share of usual executions has a pair."""
        name, value = pair
        return self.usual[name].share(value) if name in self.usual else 0.0

    def known(self, name: str) -> int:
        """Usual executions that say how often an attribute has which value; one never seen is never there."""
        if name in self.left_out:
            return 0
        return self.usual[name].count if name in self.usual else self.samples


def concentrated(contrasts: Iterable[Contrast], kind: str, now_s: float, lasting_s: float = 0.0) -> list[Concentration]:
    """What is so much more frequent in a deviation of ``kind`` that it is not by chance, the clearest first.

    ``contrasts`` are those of the operations that it is of, ``lasting_s`` is for how long it has lasted. Few executions
    say nothing. An operation counts as usual as often as it is among the deviating ones.

    >>> concentrated([Contrast()], "latency", now_s=0.0)
    []
    """
    recent = [(at_s, one, pairs) for one in contrasts for at_s, pairs in one.alike(kind, now_s - LONGEST_S)]
    recent.sort(key=lambda found: found[0])
    newer = sum(at_s >= now_s - max(SHORTEST_S, lasting_s) for at_s, _, _ in recent)
    deviating = [(one, pairs) for _, one, pairs in recent[-max(SOME, newer) :]]
    if len(deviating) < LEAST_DEVIATING:
        return []
    counts = Counter(pair for _, pairs in deviating for pair in dict.fromkeys(pairs))
    frequent = [pair for pair, count in counts.items() if count >= LEAST_SHARE * len(deviating)]
    found = []
    for pair in frequent:
        share = counts[pair] / len(deviating)
        usual = sum(one.usual_share(pair) for one, _ in deviating) / len(deviating)
        known = min(one.known(pair[0]) for one, _ in deviating)
        if known < LEAST_USUAL or share < usual + LEAST_LEAD:
            continue
        chance = len(counts) * _as_many(counts[pair], len(deviating), usual * known, (1.0 - usual) * known)
        if chance < CHANCE:
            found.append((chance, pair, Concentration(*pair, round(share, 3), round(usual, 3))))
    return [told for _, _, told in sorted(found, key=lambda one: one[:2])[:MOST_TOLD]]


def _as_many(count: int, of: int, with_it: float, without: float) -> float:
    """Probability of at least ``count`` of ``of``, given ``with_it`` and ``without`` before (beta-binomial)."""
    a, b = with_it + 0.5, without + 0.5
    terms = (
        math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1) + betaln(k + a, of - k + b) - betaln(a, b)
        for k in range(count, of + 1)
    )
    return float(sum(math.exp(term) for term in terms))

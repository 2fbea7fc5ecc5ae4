"""The verdict at several sizes of buckets: one that turns on the size is none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tracehound.scripts.acceptance.checks import Judgement, Verdict, judge
from tracehound.scripts.acceptance.timeline import Timeline

BUCKETS_S: Final = (60.0, 300.0, 900.0, 3_600.0)
EXIT_CODES: Final[dict[Verdict, int]] = {"PASS": 0, "EXCLUDE": 1, "INSUFFICIENT": 3, "UNSTABLE": 4}
"""2 means, as for every command, that it failed."""


@dataclass(frozen=True, slots=True)
class Swept:
    """The judgement at the size that was asked for, those at all sizes, and what they come to together."""

    verdict: Verdict
    asked: Judgement
    sizes: list[Judgement]

    @property
    def reasons(self) -> list[str]:
        """Why it is what it is, in sentences."""
        if self.verdict != "UNSTABLE":
            return self.asked.reasons
        told = ", ".join(f"{one.verdict} at {one.bucket_s:g} s" for one in self.sizes)
        return [f"The verdict turns on the size of the buckets: {told}."]


def sweep(cut_at: Callable[[float], Timeline], asked_s: float, sizes_s: Sequence[float] = BUCKETS_S) -> Swept:
    """Judge at every size; those at which nothing can be said leave the verdict to the others."""
    judged = [judge(cut_at(size_s)) for size_s in sorted({*sizes_s, asked_s})]
    [asked] = [one for one in judged if one.bucket_s == asked_s]
    said = {one.verdict for one in judged if one.verdict != "INSUFFICIENT"}
    if asked.verdict == "INSUFFICIENT":
        return Swept("INSUFFICIENT", asked, judged)
    return Swept("UNSTABLE" if len(said) > 1 else asked.verdict, asked, judged)

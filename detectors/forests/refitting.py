"""Banks whose models are refitted from a sample now and then, and the schedule of the refits."""

from abc import abstractmethod
from typing import Any

from tracehound.detectors.bank import Bank
from tracehound.detectors.settings import DetectionSettings


class RefittedBank(Bank):
    """A bank whose learning collects a sample; a fit of that sample, run elsewhere, makes the model.

    The core calls ``sample`` when a refit is due, runs ``fit(*sample)`` in a fitter, and hands the result to
    ``install`` at a fixed later count of executions, whenever the fit has ended.
    """

    @abstractmethod
    def sample(self, slot: int) -> tuple[Any, ...]:
        """A frozen copy of what a refit is made from: the arguments of ``fit``."""

    @abstractmethod
    def checked_sample(self, sample: tuple[Any, ...]) -> tuple[Any, ...]:
        """A sample that comes from a stored state, if it is one that ``sample`` may have returned.

        Raises:
            ValueError: it is not.
        """

    @staticmethod
    @abstractmethod
    def fit(*sample: Any) -> Any:
        """Fit in any process: plain data in, a mapping with ``samples``, ``cpu_s`` and ``wall_s`` out."""

    @abstractmethod
    def install(self, slot: int, fitted: Any) -> None:
        """Let the result of ``fit`` take effect."""

    @abstractmethod
    def fitted_bytes(self) -> int:
        """Bytes of one fitted model."""


def next_refit(seen: int, stagger: float, settings: DetectionSettings) -> int:
    """The count of executions at which an application that has seen ``seen`` is refitted next.

    Counts grow from ``first_refit`` by ``refit_growth`` until they are ``refit_every_at_most`` apart; ``stagger``
    in [0, 1), from a hash of the name, moves them later by up to a quarter, so that applications of the same
    traffic do not refit together.

    >>> next_refit(0, 0.0, DetectionSettings()), next_refit(512, 0.0, DetectionSettings())
    (512, 2048)
    """
    base = float(settings.first_refit)
    while (due := round(base * (1.0 + 0.25 * stagger))) <= seen:
        longest = settings.refit_every_at_most
        if base * (settings.refit_growth - 1.0) < longest:
            base *= settings.refit_growth
        else:  # as many of the longest steps as there are, at once: a count may be of any size
            base += longest * max(1, int((seen / (1.0 + 0.25 * stagger) - base) / longest))
    return due

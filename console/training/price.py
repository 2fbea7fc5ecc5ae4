"""What training costs in money: CPU hours and gigabytes of models at the prices that are set."""

from dataclasses import dataclass

from tracehound.streams.settings.console import ConsoleSettings


@dataclass(frozen=True, slots=True)
class Price:
    """Prices of an hour of one CPU and of a gigabyte of trained models, in ``currency``.

    >>> Price(0.36, 10.0, "EUR").of(cpu_s=100.0, model_bytes=10_000_000)
    0.11
    """

    cpu_hour: float
    gigabyte: float
    currency: str

    @classmethod
    def of_settings(cls, settings: ConsoleSettings) -> "Price":
        """Those that are set."""
        return cls(settings.price_per_cpu_hour, settings.price_per_gb, settings.currency)

    def of(self, cpu_s: float, model_bytes: int) -> float:
        """What that costs."""
        return cpu_s / 3_600.0 * self.cpu_hour + model_bytes / 1e9 * self.gigabyte

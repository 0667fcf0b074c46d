"""Ratios with their spread."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    median: float
    lower_quartile: float
    upper_quartile: float
    least: float
    most: float

    def __str__(self):
        return (
            f"{self.median:5.2f} [{self.lower_quartile:.2f} {self.upper_quartile:.2f}]"
            f" ({self.least:.2f} {self.most:.2f})"
        )


def of(values):
    """The spread of at least one value."""
    if len(values) == 1:
        return Spread(*values * 5)
    lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, lower, upper, min(values), max(values))


def ratios(numerators, denominators):
    """Round by round: what ran right after each other is compared with each other."""
    return of([a / b for a, b in zip(numerators, denominators, strict=True)])

"""How far a step is that does the same for one subset after the other."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """One subset's share of a step's time."""

    number: int
    """From 0."""
    count: int

    def percent(self, done: float) -> int:
        """Percent of the step, where ``done`` percent of the subset are."""
        return int((100.0 * self.number + done) / self.count)

"""Progression across organs as a process: incidence with death competing, and intensities.

aalen_johansen(days, cause).at(365)
transition(days, end, liver, lung).after.rate
poisson_rate(events, time)
"""

from udfs.progression.transitions.incidence import (
    CENSORED,
    COMPETING,
    EVENT,
    Incidence,
    aalen_johansen,
)
from udfs.progression.transitions.intensity import (
    Rate,
    Transition,
    first_of_all,
    poisson_rate,
    rate_after,
    rate_ratio,
    transition,
)

__all__ = [
    "CENSORED",
    "COMPETING",
    "EVENT",
    "Incidence",
    "Rate",
    "Transition",
    "aalen_johansen",
    "first_of_all",
    "poisson_rate",
    "rate_after",
    "rate_ratio",
    "transition",
]

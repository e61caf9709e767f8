"""When a metastasis began, and how many are too small to be seen.

exponential_onset(k, sd, volume, start, day).at(0.5)
Gompertz(alpha, beta).age(cells)
expected_visible(growth, growth, mu, gamma, time, visible, end, dormancy)
"""

from udfs.onset.back_projection import (
    CELLS_PER_MM3,
    Onset,
    cells_of_diameter,
    exponential_onset,
)
from udfs.onset.spread import (
    Growth,
    expected_visible,
    probability_any_visible,
    probability_mean_visible,
)

__all__ = [
    "CELLS_PER_MM3",
    "Growth",
    "Onset",
    "cells_of_diameter",
    "expected_visible",
    "exponential_onset",
    "probability_any_visible",
    "probability_mean_visible",
]

"""The volume of a lesion whose short axis was not measured."""

AXIS_RATIO = 1.31
"""Long over short axis: V = d^3 / (2 ratio^2), Zhou 2023 equation (1)."""

"""Parts of the steps on progression sequences."""

NO_PROGRESSION = "No progression"
"""Name of level 0."""

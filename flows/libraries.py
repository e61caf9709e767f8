"""Libraries that several steps need, imported without getting in the way of other threads."""

from __future__ import annotations

from warehouse.imports import import_alone

SCIKIT_LEARN = (
    "pandas",
    "scipy.stats",
    "sklearn",
    "sklearn.cluster",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.model_selection",
)


def load_scikit_learn() -> None:
    """Imports what clusters and predictions use of scikit-learn."""
    import_alone(SCIKIT_LEARN)

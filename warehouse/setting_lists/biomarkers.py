"""Settings of biomarkers over time."""

from __future__ import annotations

from warehouse.setting_lists.setting import Setting

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "biomarkers.baseline_window_days",
        28,
        "a biomarker's baseline is the last result up to the first dose, at most so many days "
        "before it",
        minimum=0,
        maximum=3652,
    ),
    Setting(
        "biomarkers.landmark_day",
        42,
        "day from first dose at which a biomarker's response is read, and from which survival is "
        "compared by it",
        minimum=1,
        maximum=3652,
    ),
    Setting(
        "biomarkers.landmark_window_days",
        21,
        "the result that is read lies at most so many days from the landmark",
        minimum=0,
        maximum=3652,
    ),
    Setting(
        "biomarkers.early_days",
        84,
        "how fast a biomarker falls or rises is told up to so many days from the first dose, and "
        "apart after them",
        minimum=1,
        maximum=3652,
    ),
    Setting(
        "biomarkers.horizon_days",
        90,
        "days after a biomarker's progression within which the disease's is looked for",
        minimum=1,
        maximum=3652,
    ),
)

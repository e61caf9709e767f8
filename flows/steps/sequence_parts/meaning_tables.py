"""Tables of the step ``progression_meaning``."""

from __future__ import annotations

from warehouse.declarations import declared

CURVE = declared("analysis.progression_survival_curve")
SUMMARY = declared("analysis.progression_survival_summary")
TEST = declared("analysis.progression_survival_test")
COX = declared("analysis.progression_survival_cox")
COMPARISON = declared("analysis.progression_comparison")
INTERVAL = declared("analysis.progression_interval")
PROPORTION = declared("analysis.progression_proportion")
PLACE = declared("analysis.progression_place")
ASSOCIATION = declared("analysis.progression_association")
CHARACTERISTIC = declared("analysis.progression_characteristic")
TABLES = (
    CURVE,
    SUMMARY,
    TEST,
    COX,
    COMPARISON,
    INTERVAL,
    PROPORTION,
    PLACE,
    ASSOCIATION,
    CHARACTERISTIC,
)

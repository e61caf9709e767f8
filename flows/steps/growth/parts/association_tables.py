"""The tables of the step ``growth_association``."""

from __future__ import annotations

from warehouse.declarations import declared

BY_ORGAN = declared("analysis.growth_by_organ")
CORRELATION = declared("analysis.growth_correlation")
COMPARISON = declared("analysis.growth_comparison")
BASELINE = declared("analysis.growth_baseline")
BASELINE_ORGAN = declared("analysis.growth_baseline_organ")
EFFECT = declared("analysis.growth_effect")
TABLES = (BY_ORGAN, CORRELATION, COMPARISON, BASELINE, BASELINE_ORGAN, EFFECT)

"""Response phases of lesions and of sums of lesions: response, stable, relapse (Zhou 2021).

``rules`` says what the phases are, ``sums`` adds up lesions over time.
"""

from udfs.heterogeneity.phases.rules import (
    BASELINE_ZERO,
    EVALUABLE,
    NO_LATER_SCAN,
    NOT_MEASURED,
    THRESHOLD_TOLERANCE,
    MixedResponse,
    RelapseReference,
    ResponsePhases,
    ThresholdDay,
    consistent_with_total,
    response_phases,
)
from udfs.heterogeneity.phases.sums import SumSeries, sum_carried_forward, sum_over_complete_days

__all__ = [
    "BASELINE_ZERO",
    "EVALUABLE",
    "NOT_MEASURED",
    "NO_LATER_SCAN",
    "THRESHOLD_TOLERANCE",
    "MixedResponse",
    "RelapseReference",
    "ResponsePhases",
    "SumSeries",
    "ThresholdDay",
    "consistent_with_total",
    "response_phases",
    "sum_carried_forward",
    "sum_over_complete_days",
]

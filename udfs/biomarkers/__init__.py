"""Kinetics of biomarkers: log-linear courses with results below the limit of detection.

left_censored_lines(y, day, is_below, offsets).slope
mixed_lines(y, day, is_below, offsets).slope_mean
"""

from udfs.biomarkers.lead import LeadTime, lead_time
from udfs.biomarkers.lines import Lines, left_censored_lines
from udfs.biomarkers.mixed import MixedLines, mixed_lines, mixed_loglik

__all__ = [
    "LeadTime",
    "Lines",
    "MixedLines",
    "lead_time",
    "left_censored_lines",
    "mixed_lines",
    "mixed_loglik",
]

"""Survival: curves, tests between groups, and Cox models fitted over and over.

    curve = kaplan_meier(days, died)
    curve.median                      # days, with lower and upper
    log_rank(days, died, arm).p_value

``curve`` has the Kaplan-Meier estimate, ``logrank`` the log-rank tests, ``resampling`` Cox models of
many samples of the same patients. One Cox model is ``udfs.hazards.fit_cox``'s business.
"""

from udfs.survival.curve import Interval, Quantile, SurvivalCurve, kaplan_meier
from udfs.survival.resampling import (
    CoxSample,
    Resamples,
    bootstrap_rows,
    cox_of_samples,
    subset_rows,
)
from udfs.survival.logrank import LogRank, Trend, log_rank, log_rank_trend

__all__ = [
    "CoxSample",
    "Interval",
    "LogRank",
    "Quantile",
    "Resamples",
    "SurvivalCurve",
    "Trend",
    "bootstrap_rows",
    "cox_of_samples",
    "kaplan_meier",
    "log_rank",
    "log_rank_trend",
    "subset_rows",
]

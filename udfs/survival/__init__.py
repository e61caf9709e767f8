"""Survival: curves, tests between groups, Cox models, and Cox models fitted over and over.

    curve = kaplan_meier(days, died)
    curve.median                      # days, with lower and upper
    log_rank(days, died, arm).p_value
    cox_model(days, died, columns, stratum=treatment).coefficient

Every number equals R's ``survival`` (3.5-3). ``curve`` has the Kaplan-Meier estimate, ``logrank``
the log-rank tests, ``restricted`` the restricted mean, ``cox`` the Cox model, ``resampling`` its
samples.
"""

from udfs.survival.clustered import clustered_kaplan_meier
from udfs.survival.cox import CoxModel, CoxSubjects, cox_model
from udfs.survival.curve import Interval, Quantile, SurvivalCurve, kaplan_meier
from udfs.survival.logrank import LogRank, Trend, log_rank, log_rank_trend
from udfs.survival.resampling import Resamples, bootstrap_rows, cox_of_samples, subset_rows
from udfs.survival.restricted import RestrictedMean, restricted_difference, restricted_mean
from udfs.survival.turnbull import TurnbullCurve, turnbull

__all__ = [
    "CoxModel",
    "CoxSubjects",
    "Interval",
    "LogRank",
    "Quantile",
    "Resamples",
    "RestrictedMean",
    "SurvivalCurve",
    "Trend",
    "TurnbullCurve",
    "bootstrap_rows",
    "clustered_kaplan_meier",
    "cox_model",
    "cox_of_samples",
    "kaplan_meier",
    "log_rank",
    "log_rank_trend",
    "restricted_difference",
    "restricted_mean",
    "subset_rows",
    "turnbull",
]

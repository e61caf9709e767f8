"""Groups of numbers compared by their ranks, and pairs of numbers by their correlation.

    mann_whitney(a, b).p_value
    shift_between(a, b)               # Hodges-Lehmann, with interval
    kruskal_wallis(values, group), dunn_tests(values, group, correction="holm")
    correlation(x, y, "kendall")

Tests are scipy's where it has them. ``ranks`` adds Dunn's test, ``paired`` the shift of the signed
rank test, ``effects`` effect sizes with intervals, ``correlation`` intervals and the exact test
of Spearman's, ``adjust`` the corrections, ``binomial`` exact limits of shares, ``balance``
standardised differences at baseline.
"""

from udfs.comparisons.adjust import Correction, adjusted
from udfs.comparisons.balance import (
    StandardizedDifference,
    standardized_mean_difference,
    standardized_share_difference,
)
from udfs.comparisons.binomial import Share, clopper_pearson
from udfs.comparisons.correlation import Correlation, CorrelationMethod, correlation
from udfs.comparisons.effects import (
    Dominance,
    Shift,
    clustered_p_value,
    dominance_of,
    shift_between,
)
from udfs.comparisons.paired import SignedRank, signed_rank
from udfs.comparisons.ranks import (
    DunnTests,
    KruskalWallis,
    MannWhitney,
    dunn_tests,
    kruskal_wallis,
    mann_whitney,
)
from udfs.comparisons.summary import Summary, summarise

__all__ = [
    "Correction",
    "Correlation",
    "CorrelationMethod",
    "Dominance",
    "DunnTests",
    "KruskalWallis",
    "MannWhitney",
    "Share",
    "Shift",
    "SignedRank",
    "StandardizedDifference",
    "Summary",
    "adjusted",
    "clopper_pearson",
    "clustered_p_value",
    "correlation",
    "dominance_of",
    "dunn_tests",
    "kruskal_wallis",
    "mann_whitney",
    "shift_between",
    "signed_rank",
    "standardized_mean_difference",
    "standardized_share_difference",
    "summarise",
]

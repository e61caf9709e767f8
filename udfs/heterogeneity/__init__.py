"""Gower's dissimilarity of rows described by variables of mixed types.

d(i, j) = sum_v w_v k_ijv d_ijv / sum_v w_v k_ijv, where k_ijv is 1 if variable v can compare the
rows and 0 if not (a value missing, or both absent in an asymmetric binary), and d_ijv is
|x_iv - x_jv| / range_v for numbers and ranks, and 0 or 1 for equal or unequal categories.

Sources: Gower, Biometrics 1971; Kaufman and Rousseeuw 1990 as R's ``cluster::daisy`` has it, with
which it agrees; Zhou et al., Cancer Res 2021 for its use within patients.
"""

from udfs.heterogeneity.distances import (
    GowerMeans,
    GowerPairs,
    gower_matrix,
    gower_means,
    gower_pairs,
)
from udfs.heterogeneity.variables import Kind, Variable

__all__ = [
    "GowerMeans",
    "GowerPairs",
    "Kind",
    "Variable",
    "gower_matrix",
    "gower_means",
    "gower_pairs",
]

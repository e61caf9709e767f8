"""The normal distribution of the groups' effects: independent, or alike within sites.

    w_k = u_k + v_site(k),   u ~ N(0, s2),  v ~ N(0, t2),   so w ~ N(0, S),  S = s2 I + t2 M M'

with M (K, J) saying which group is of which site. Its inverse is a diagonal less one number per
site: S^-1 = (I - M diag(c) M') / s2, c_j = t2 / (s2 + n_j t2) (Sherman and Morrison).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from udfs.hazards.arrays import FloatArray, IntArray, sum_by


@dataclass(frozen=True)
class Prior:
    """Of K groups' effects."""

    variance: float
    """s2, above 0."""
    site_variance: float = 0.0
    """t2; 0: independent groups."""
    site: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    """(K,) each group's site, 0 to J - 1; not read where t2 is 0."""

    @property
    def sizes(self) -> IntArray:
        """(J,) groups per site."""
        return np.bincount(self.site)

    @property
    def shares(self) -> FloatArray:
        """(J,) c: what share of the sum of a site's group effects is the site's own effect."""
        total = self.variance + self.sizes * self.site_variance
        return np.asarray(self.site_variance / total, dtype=float)

    def precision_times(self, w: FloatArray) -> FloatArray:
        """(K,) S^-1 times w (K,)."""
        if self.site_variance == 0:
            return w / self.variance
        return (w - self.by_group(self.site_effect(w))) / self.variance

    def penalty(self, w: FloatArray) -> float:
        """w' S^-1 w / 2."""
        if self.site_variance == 0:
            return float(w @ w) / (2 * self.variance)
        return float(w @ self.precision_times(w)) / 2

    def site_effect(self, w: FloatArray) -> FloatArray:
        """(J,) the sites' effects v that are most probable given the groups' w (K,)."""
        return self.shares * self.by_site(w)

    def by_site(self, x: FloatArray) -> FloatArray:
        """(J,) sums of x (K,) over the groups of each site."""
        return sum_by(self.site, x, len(self.sizes))

    def by_group(self, x: FloatArray) -> FloatArray:
        """(K,) each group's value of its site, from x (J,)."""
        return x[self.site]

    def inner(self, diagonal: FloatArray) -> Inner:
        """For solving with diag(diagonal) + S^-1, the diagonal being (K,) and not below 0."""
        if len(diagonal) == 0:
            return Inner(diagonal)
        total = diagonal + 1.0 / self.variance
        if self.site_variance == 0:
            return Inner(total)
        weight = self.shares / self.variance
        return Inner(total, self, weight / (1.0 - weight * self.by_site(1.0 / total)))


@dataclass(frozen=True)
class Inner:
    """The matrix diag(diagonal) less, with a prior of sites, one number per site."""

    diagonal: FloatArray
    """(K,)"""
    prior: Prior | None = None
    weight: FloatArray = field(default_factory=lambda: np.zeros(0))
    """(J,)"""

    def solve(self, x: FloatArray) -> FloatArray:
        """The inverse times x, (K,) or (K, p)."""
        y = (x.T / self.diagonal).T
        if self.prior is None:
            return y
        if x.ndim == 1:
            return y + self.prior.by_group(self.weight * self.prior.by_site(y)) / self.diagonal
        return np.stack([self.solve(column) for column in x.T], axis=1).reshape(x.shape)

"""What a fit gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from udfs.hazards.arrays import FloatArray
from udfs.hazards.index import Ties

Method = Literal["laplace", "sparse", "aghq"]


@dataclass(frozen=True)
class Baseline:
    """The baseline hazard at T event points, sorted by stratum, then time."""

    stratum: NDArray[Any]
    """(T,) label; "all" where there are no strata."""
    time: FloatArray
    """(T,) in the data's unit of time."""
    hazard: FloatArray
    """(T,) jump of the cumulative hazard of a row with numbers 0, factors at their references,
    offset 0 and random effect 0."""
    cumulative: FloatArray
    """(T,) sum of the jumps of the stratum up to and with the time."""


@dataclass(frozen=True)
class Frailty:
    """The random effect of each of K groups, on the scale of the log hazard."""

    group: NDArray[Any]
    """(K,) labels, sorted."""
    effect: FloatArray
    """(K,) its mode given the data (``aghq``: its mean); 0 for a group never at risk."""
    sd: FloatArray
    """(K,) its standard deviation given the data at the estimated variance; with the Laplace
    methods this includes that the coefficients are estimated."""


@dataclass(frozen=True)
class CoxFit:
    """A proportional-hazards fit with p coefficients."""

    method: Literal["laplace", "sparse", "aghq", "naive"]
    """How the random effect was integrated; "naive" without one."""
    ties: Ties
    determinant: str
    """How the Laplace determinant was computed: "exact", "lanczos", "sparse", or "none"."""
    columns: tuple[tuple[str, str], ...]
    """(p,) term and label of each coefficient."""
    references: tuple[str, ...]
    """(p,) the level that each is compared with; empty for numbers."""
    coefficient: FloatArray
    """(p,) log hazard ratios."""
    covariance: FloatArray
    """(p, p) from the exact information, the variance taken as known."""
    variance: float
    """s2 of the random effect; 0 without one or at the boundary."""
    variance_lower: float
    """Profile-likelihood limits; NaN where not asked for or the variance was given."""
    variance_upper: float
    confidence: float
    """Of these limits."""
    is_variance_given: bool
    is_boundary: bool
    """Whether the likelihood is highest at variance 0; the fit is then that without random effect.
    """
    is_converged: bool
    loglik_null: float
    """Log partial likelihood at coefficients 0 without random effect."""
    loglik_fixed: float
    """Its maximum over the coefficients without random effect."""
    loglik_integrated: float
    """Its maximum with the random effect integrated out."""
    loglik_penalized: float
    """Log partial likelihood at coefficients and random effects less u'u / (2 s2)."""
    frailty: Frailty
    baseline: Baseline
    n_rows: int
    n_events: int
    n_groups: int
    """0 without groups."""
    n_strata: int
    n_points: int
    """Distinct (stratum, event time)."""
    n_evaluations: int
    """Variances at which the model was fitted."""
    notes: tuple[str, ...] = ()
    """What a reader should know: boundary, very large variance, diverging coefficients."""

    @property
    def standard_error(self) -> FloatArray:
        """(p,) of the coefficients."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def loglik_partial(self) -> float:
        """Log partial likelihood at coefficients and random effects, without the penalty."""
        if self.variance == 0:
            return self.loglik_penalized
        penalty = float(self.frailty.effect @ self.frailty.effect) / (2 * self.variance)
        return self.loglik_penalized + penalty

    def position(self, term: str, label: str | None = None) -> int:
        """Where a coefficient stands among the p; a number's label is its term.

        Raises:
            ValueError: there is no such coefficient.
        """
        wanted = (term, term if label is None else label)
        if wanted not in self.columns:
            known = ", ".join(f"{t}: {level}" for t, level in self.columns)
            raise ValueError(f"no coefficient {wanted[0]}: {wanted[1]}; there are {known}")
        return self.columns.index(wanted)

"""Levels whose events all fall on one side: what their data still says of the hazard ratio."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtrc, chdtri

from udfs.hazards.data import CoxData
from udfs.hazards.errors import SeparatedTermError
from udfs.hazards.estimate import Options, check_separated, estimate, fixed_effects
from udfs.hazards.index import Ties
from udfs.hazards.problem import prepare
from udfs.threads import single_blas_thread

AT_INFINITY = 30.0
"""Log hazard ratio that stands for an infinite one: the hazards differ by 1e13."""
LIMIT_TOLERANCE = 1e-4
"""Of the limit's log hazard ratio: far below any standard error."""


@dataclass(frozen=True)
class OneSided:
    """The hazard ratio of a level that has no finite estimate."""

    is_infinite: bool
    """The estimate is infinity; else it is 0."""
    log_limit: float
    """Profile-likelihood limit of the log hazard ratio: lower where infinite, else upper."""
    chi2: float
    """Likelihood-ratio statistic of a hazard ratio of 1, 1 df."""
    p_value: float


def separated_column(data: CoxData, ties: Ties = "efron") -> tuple[str, str] | None:
    """Term and label of the column that most separates the events; None where none does.

    Raises:
        TermError: the data cannot carry the columns for another reason.
    """
    problem = prepare(data, ties)
    try:
        check_separated(problem, fixed_effects(problem).fixed)
    except SeparatedTermError as error:
        return error.term, error.label
    return None


@single_blas_thread
def one_sided(data: CoxData, term: str, label: str, options: Options) -> OneSided:
    """Limit of a hazard ratio whose likelihood rises to infinity, or to 0.

    The limit is where the profile log-likelihood, all else estimated anew, is below its supremum by
    half the chi-squared quantile of ``options.confidence`` with 1 df: the end that is left of the
    two-sided profile interval (Heinze and Schemper, Biometrics 2001, for Cox's model).

    Args:
        data: with the separated level.
        term: a factor.
        label: its level.
        options: of the model.

    Raises:
        HazardDataError: the model without the level cannot be fitted either.
    """
    codes = next(t for t in data.design.terms if t.name == term).codes
    assert codes is not None
    design = data.design.less(term, label)
    labels = next(t for t in data.design.terms if t.name == term).labels
    is_level = codes == labels.index(label) + 1
    before = np.zeros(data.n_rows) if data.offset is None else data.offset
    known: dict[float, float] = {}

    def profile(log_hr: float) -> float:
        if log_hr not in known:
            shifted = replace(data, design=design, offset=before + log_hr * is_level)
            known[log_hr] = estimate(prepare(shifted, options.ties), options).loglik
        return known[log_hr]

    sign = 1.0 if profile(AT_INFINITY) > profile(-AT_INFINITY) else -1.0
    supremum = profile(sign * AT_INFINITY)
    drop = float(chdtri(1, 1 - options.confidence)) / 2

    def beyond(log_hr: float) -> float:
        return supremum - drop - profile(log_hr)

    low, high = -1.0, 1.0
    while beyond(sign * low) <= 0 and low > -AT_INFINITY:
        low *= 2
    while beyond(sign * high) >= 0 and high < AT_INFINITY:
        high *= 2
    ends = sorted((sign * low, sign * high))
    limit = float(brentq(beyond, *ends, xtol=LIMIT_TOLERANCE))
    chi2 = max(0.0, 2 * (supremum - profile(0.0)))
    return OneSided(sign > 0, limit, chi2, float(chdtrc(1, chi2)))

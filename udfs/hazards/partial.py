"""The log partial likelihood, its gradient and its Hessian-vector product, each in one pass.

With r_i = w_i exp(eta_i), S_t their sum over the rows at risk at point t, E_t over those with an
event there, and the point's jumps l with weight omega_l and fraction f_l (see ``RiskIndex``):

    loglik     = sum_i w_i d_i eta_i - sum_l omega_l log(S - f_l E)
    gradient_i = w_i d_i - r_i q_i,  q_i = sum over i's points of a1_t - d_i a1e_t(i)
    -Hessian   = diag(r q) - sum_t [a2 R R' - b2 (R E' + E R') + c2 E E']

a1 = sum_l omega_l / D_l, a1e = sum_l f_l omega_l / D_l, a2, b2, c2 = sum_l (1, f_l, f_l^2) omega_l
/ D_l^2, D_l = S - f_l E: Efron's loop over tied events becomes five numbers per point. Here R and E
are the vectors of r over the rows at risk and with an event. Sources: Efron, JASA 1977; weights as
R's ``survival::coxph`` has them (an event's jump has the mean weight of the point's events).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from udfs.hazards.arrays import FloatArray
from udfs.hazards.index import RiskIndex


@dataclass(frozen=True)
class Partial:
    """The partial likelihood of n rows at T points, at one linear predictor."""

    loglik: float
    shift: float
    """Largest linear predictor; r is exp(-shift) times, and the a's exp(shift) times, what the
    formulas say, so that nothing overflows."""
    risk: FloatArray
    """(n,) r."""
    exposure: FloatArray
    """(n,) q, the row's cumulative baseline hazard over its time at risk."""
    a1: FloatArray
    """(T,) the jump of the cumulative baseline hazard."""
    a1e: FloatArray | None
    """(T,) None where no point has several jumps; so are b2 and c2."""
    a2: FloatArray
    b2: FloatArray | None
    c2: FloatArray | None

    @property
    def expected(self) -> FloatArray:
        """(n,) expected number of events of each row, r q."""
        return self.risk * self.exposure

    def hessian_times(
        self,
        index: RiskIndex,
        v: FloatArray,
        out: FloatArray | None = None,
        scratch: FloatArray | None = None,
    ) -> FloatArray:
        """(n,) minus the Hessian in the linear predictors, times v (n,).

        ``out`` and ``scratch`` (n,) are written to where given: fresh memory costs more than the
        arithmetic.
        """
        rv = np.multiply(self.risk, v, out=scratch)
        s = index.risk_sum(rv)
        if self.b2 is None or self.c2 is None:
            product = index.spread(self.a2 * s, out)
        else:
            e = index.event_sum(rv)
            product = index.spread(self.a2 * s - self.b2 * e, out)
            product[index.event_rows] += (self.c2 * e - self.b2 * s)[index.event_points]
        product *= self.risk
        rv *= self.exposure
        return np.subtract(rv, product, out=product)

    def times_points(self, index: RiskIndex, g: FloatArray) -> Partial:
        """The same with each point's term of the Hessian multiplied by g (T,)."""
        scaled = [
            None if a is None else a * g for a in (self.a1, self.a1e, self.a2, self.b2, self.c2)
        ]
        a1, a1e, a2, b2, c2 = scaled
        assert a1 is not None
        assert a2 is not None
        return replace(
            self, exposure=_exposure(index, a1, a1e), a1=a1, a1e=a1e, a2=a2, b2=b2, c2=c2
        )


def partial_likelihood(index: RiskIndex, eta: FloatArray) -> Partial:
    """The partial likelihood at the linear predictors eta (n,).

    Hand-worked: times 1, 2, 3, all events, eta = log 2, 0, 0 gives log(2/4) + log(1/2) + log(1/1)
    = -1.3863.
    """
    shift = float(eta.max())
    centred = eta - shift
    risk = index.weight * np.exp(centred)
    at_risk = index.risk_sum(risk)
    linear = float(index.event_weight @ centred)
    if not index.has_fractions:
        inverse = index.jump_weight / at_risk
        loglik = linear - float(index.jump_weight @ np.log(at_risk))
        return Partial(
            loglik,
            shift,
            risk,
            _exposure(index, inverse, None),
            inverse,
            None,
            inverse / at_risk,
            None,
            None,
        )
    events = index.event_sum(risk)
    f, point = index.jump_fraction, index.jump_point
    denominator = at_risk[point] - f * events[point]
    loglik = linear - float(index.jump_weight @ np.log(denominator))
    first = index.jump_weight / denominator
    second = first / denominator
    a1, a1e, a2, b2, c2 = (
        np.add.reduceat(term, index.jump_starts)
        for term in (first, f * first, second, f * second, f * f * second)
    )
    return Partial(loglik, shift, risk, _exposure(index, a1, a1e), a1, a1e, a2, b2, c2)


def _exposure(index: RiskIndex, a1: FloatArray, a1e: FloatArray | None) -> FloatArray:
    q = index.spread(a1)
    if a1e is not None:
        q[index.event_rows] -= a1e[index.event_points]
    return q

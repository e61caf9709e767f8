"""Compiled loops for many lesions: nodes, proposal density and sums over rows in one go.

NumPy works through an array once for each operation, some hundred times for a block of nodes; here
each node is worked out in registers. The loops are translated to machine code by Numba when this
module is imported for the first time, which takes some seconds, and kept on disk (beside this file,
or in the user's cache folder where that cannot be written). So small data never import it: see
``kernels``.

Results do not depend on the processor: exponential and logarithm are written out below, and nothing
is reordered or contracted (no "fastmath"). They differ from NumPy's in the last digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from udfs.growth.parameters import FloatArray, IntArray

LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
"""log 2 in two parts: a whole number below 2^20 times the first is exact."""
ROUNDING = 6755399441055744.0
"""1.5 2^52: what is added to it is rounded to a whole number, which its last bits then hold."""
LARGEST = 690.0
SMALLEST_VOLUME, LARGEST_VOLUME = 1e-20, 1e40
LARGEST_PULL = 1e150
ROWS_PER_LOGARITHM = 7
"""See ``likelihood``."""


def compiled(signature: str) -> Callable[[Callable[..., Any]], Any]:
    """Compiles the decorated loop for these types, or takes it from the cache on disk."""

    def translate(function: Callable[..., Any]) -> Any:
        try:
            return njit(signature, cache=True, nogil=True, error_model="numpy")(function)
        except (RuntimeError, OSError):
            # No folder can be written: it is compiled anew in each process.
            return njit(signature, nogil=True, error_model="numpy")(function)

    return translate


def _float_of_bits(typing_context: Any, bits: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), code


def _bits_of_float(typing_context: Any, number: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), code


_as_float: Any = intrinsic(_float_of_bits)
_as_bits: Any = intrinsic(_bits_of_float)


@njit(inline="always", error_model="numpy")
def _exp(x: float) -> float:
    """exp of a number between -700 and 700, to 1 unit in the last place.

    x = n log 2 + r; exp r by its series to r^13 (|r| < .3466: the rest is below 5e-18).
    """
    shifted = x * LOG2_E + ROUNDING
    n = shifted - ROUNDING
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return p * _as_float((_as_bits(shifted) << 52) + (1023 << 52))


@njit(inline="always", error_model="numpy")
def _log(x: float) -> float:
    """log of a normal positive number, to 1 unit in the last place.

    x = 2^k m with m between sqrt(1/2) and sqrt(2), s = (m - 1) / (m + 1): log m = 2 atanh s, by the
    series 2 (s + s^3 / 3 + ... + s^21 / 21), |s| < .1716: the rest is below 1e-18.
    """
    bits = _as_bits(x)
    # Adding what lies between 1 and sqrt(1/2) makes the exponent that of 2 m / sqrt(2).
    k = ((bits + (0x3FF0000000000000 - 0x3FE6A09E667F3BCD)) >> 52) - 1023
    m = _as_float(bits - (k << 52))
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = 2.0 / 21.0
    p = p * z + 2.0 / 19.0
    p = p * z + 2.0 / 17.0
    p = p * z + 2.0 / 15.0
    p = p * z + 2.0 / 13.0
    p = p * z + 2.0 / 11.0
    p = p * z + 2.0 / 9.0
    p = p * z + 2.0 / 7.0
    p = p * z + 2.0 / 5.0
    p = p * z + 2.0 / 3.0
    # k as a number: the bits of 1.5 2^52 plus k.
    n = _as_float(k + 0x4338000000000000) - ROUNDING
    # 2 s = f - s f: the large part of log m stays exact.
    return n * LN2_HIGH + (f - (s * (f - z * p) - n * LN2_LOW))


@compiled("float64(float64)")
def exponential(x: float) -> float:
    """exp of one number between -700 and 700."""
    return _exp(x)


@compiled("float64(float64)")
def logarithm(x: float) -> float:
    """log of one positive number that is not subnormal."""
    return _log(x)


@compiled(
    "void(float64[:,:,:,::1], float64[:,:,::1], int64[::1], float64[:,:,:,::1], float64[:,:,::1],"
    " float64[:,:,::1])"
)
def place_nodes(
    bells: FloatArray,
    normal: FloatArray,
    shift: IntArray,
    factor: FloatArray,
    centre: FloatArray,
    phi: FloatArray,
) -> None:
    """Fills phi (3, n, R); see ``proposals.node_places``.

    Args:
        bells: (K, shifts, 3, R_k) standard points.
        normal: (shifts, 3, R_n)
        shift: (n,) which copy of the points a lesion has.
        factor: (n, K + 1, 3, 3) of the bells and of the population, turned.
        centre: (n, K + 1, 3)
    """
    n_bells, per_bell = bells.shape[0], bells.shape[3]
    for i in range(phi.shape[1]):
        for bell in range(n_bells + 1):
            points = bells[bell, shift[i]] if bell < n_bells else normal[shift[i]]
            start = bell * per_bell
            for a in range(3):
                x, y, z = factor[i, bell, a, 0], factor[i, bell, a, 1], factor[i, bell, a, 2]
                c = centre[i, bell, a]
                for s in range(points.shape[1]):
                    along = x * points[0, s] + y * points[1, s] + z * points[2, s]
                    phi[a, i, start + s] = along + c


@compiled(
    "void(float64[:,:,::1], float64[:,:,::1], float64[:,:,:,::1], float64[:,::1], float64,"
    " float64[:,::1])"
)
def node_density(
    phi: FloatArray,
    centre: FloatArray,
    inverse: FloatArray,
    scale: FloatArray,
    normal_scale: float,
    density: FloatArray,
) -> None:
    """Fills density (n, R) of a proposal; see ``proposals.proposal_density``.

    Args:
        phi: (3, n, R)
        centre: (n, K + 1, 3)
        inverse: (n, K + 1, 3, 3) lower triangular, of the factors; halved for the bells.
        scale: (n, K) density of each bell at its centre times its share of the nodes.
        normal_scale: the same of the population.
    """
    n_bells = scale.shape[1]
    for i in range(phi.shape[1]):
        for bell in range(n_bells + 1):
            l00 = inverse[i, bell, 0, 0]
            l10, l11 = inverse[i, bell, 1, 0], inverse[i, bell, 1, 1]
            l20, l21, l22 = inverse[i, bell, 2, 0], inverse[i, bell, 2, 1], inverse[i, bell, 2, 2]
            c0, c1, c2 = centre[i, bell, 0], centre[i, bell, 1], centre[i, bell, 2]
            height = scale[i, bell] if bell < n_bells else normal_scale
            for s in range(phi.shape[2]):
                r0, r1, r2 = phi[0, i, s] - c0, phi[1, i, s] - c1, phi[2, i, s] - c2
                a = l00 * r0
                b = l10 * r0 + l11 * r1
                c = l20 * r0 + l21 * r1 + l22 * r2
                if bell == n_bells:
                    off = -0.5 * (a * a + b * b + c * c)
                    density[i, s] += height * _exp(max(off, -LARGEST))
                    continue
                product = (a * a + 1.0) * (b * b + 1.0) * (c * c + 1.0)
                value = height / (product * product * np.sqrt(product))
                density[i, s] = value if bell == 0 else density[i, s] + value


@compiled(
    "void(float64[:,:,::1], int64[::1], float64[::1], float64[::1], float64[::1], float64[::1],"
    " float64[::1], int64[::1], float64[:,::1], float64[:,::1], float64[:,::1])"
)
def two_population_sums(
    phi: FloatArray,
    sizes: IntArray,
    since_baseline: FloatArray,
    before_dose: FloatArray,
    since_dose: FloatArray,
    v0: FloatArray,
    y: FloatArray,
    censored: IntArray,
    log_scale: FloatArray,
    square: FloatArray,
    at_censored: FloatArray,
) -> None:
    """Fills the ``RowSums`` of a two-population model with proportional error.

    Args:
        phi: (3, n, R)
        sizes: (k,) lesions with a first row, a second, ...
        since_baseline, before_dose, since_dose, v0, y: (m,) of the rows, rank by rank.
        censored: (m,) place of a censored row in ``at_censored``; -1 of a measured one.
        log_scale: (n, R)
        square: (n, R)
        at_censored: (c, R)
    """
    count = phi.shape[2]
    kg, kd, f = np.empty(count), np.empty(count), np.empty(count)
    product = np.empty(count)
    for i in range(phi.shape[1]):
        for s in range(count):
            kg[s] = _exp(min(max(phi[0, i, s], -LARGEST), LARGEST))
            kd[s] = _exp(min(max(phi[1, i, s], -LARGEST), LARGEST))
            f[s] = 1.0 / (1.0 + _exp(min(max(-phi[2, i, s], -LARGEST), LARGEST)))
            product[s] = 1.0
            log_scale[i, s] = 0.0
            square[i, s] = 0.0
        row, measured = i, 0
        for rank in range(len(sizes)):
            if i >= sizes[rank]:
                break
            before, after, whole = before_dose[row], since_dose[row], since_baseline[row]
            start, volume, place = v0[row], y[row], censored[row]
            if place >= 0:
                for s in range(count):
                    growing = _exp(min(max(kg[s] * whole, -LARGEST), LARGEST))
                    shrinking = _exp(min(max(kg[s] * before - kd[s] * after, -LARGEST), LARGEST))
                    value = ((growing - shrinking) * f[s] + shrinking) * start
                    at_censored[place, s] = min(max(value, SMALLEST_VOLUME), LARGEST_VOLUME)
            else:
                for s in range(count):
                    growing = _exp(min(max(kg[s] * whole, -LARGEST), LARGEST))
                    shrinking = _exp(min(max(kg[s] * before - kd[s] * after, -LARGEST), LARGEST))
                    value = ((growing - shrinking) * f[s] + shrinking) * start
                    value = min(max(value, SMALLEST_VOLUME), LARGEST_VOLUME)
                    off = volume / value - 1.0
                    product[s] *= value
                    square[i, s] += off * off
                measured += 1
                if measured % ROWS_PER_LOGARITHM == 0:
                    for s in range(count):
                        log_scale[i, s] += _log(product[s])
                        product[s] = 1.0
            row += sizes[rank]
        for s in range(count):
            log_scale[i, s] += _log(product[s])


@compiled(
    "void(float64[:,:,::1], float64[:,::1], float64[:,::1], float64, float64[:,::1],"
    " float64[:,::1], float64[:,::1], float64[::1])"
)
def weigh_nodes(
    phi: FloatArray,
    mean: FloatArray,
    precision: FloatArray,
    constant: float,
    density: FloatArray,
    total: FloatArray,
    weight: FloatArray,
    value: FloatArray,
) -> None:
    """Fills weight (n, R), sum 1 per lesion, and value (n,), the log of the mean weight.

    Args:
        phi: (3, n, R)
        mean: (n, 3) typical phi.
        precision: (3, 3) of the population.
        constant: log density of the population at its centre.
        density: (n, R) of the proposal.
        total: (n, R) log p(y | phi); in place, log p(y, phi).
    """
    p00, p11, p22 = precision[0, 0], precision[1, 1], precision[2, 2]
    p10, p20, p21 = 2.0 * precision[1, 0], 2.0 * precision[2, 0], 2.0 * precision[2, 1]
    count = phi.shape[2]
    for i in range(phi.shape[1]):
        m0, m1, m2 = mean[i, 0], mean[i, 1], mean[i, 2]
        for s in range(count):
            r0, r1, r2 = phi[0, i, s] - m0, phi[1, i, s] - m1, phi[2, i, s] - m2
            form = p00 * r0 * r0 + p11 * r1 * r1 + p22 * r2 * r2
            form += p10 * r1 * r0 + p20 * r2 * r0 + p21 * r2 * r1
            total[i, s] += constant - 0.5 * form
        top = -1e300
        for s in range(count):
            top = max(top, total[i, s])
        for s in range(count):
            weight[i, s] = _exp(max(total[i, s] - top, -LARGEST)) / density[i, s]
        summed = 0.0
        for s in range(count):
            summed += weight[i, s]
        summed = max(summed, 1e-300)
        value[i] = top + _log(summed / count)
        for s in range(count):
            weight[i, s] *= 1.0 / summed


@compiled(
    "void(float64[:,::1], int64[::1], float64[::1], float64[::1], float64[::1], float64[::1],"
    " float64[::1], float64[::1], float64, float64[::1], float64[:,::1], float64[::1],"
    " float64[:,::1])"
)
def two_population_gradient(
    psi: FloatArray,
    sizes: IntArray,
    since_baseline: FloatArray,
    before_dose: FloatArray,
    since_dose: FloatArray,
    v0: FloatArray,
    y: FloatArray,
    is_measured: FloatArray,
    b: float,
    value: FloatArray,
    gradient: FloatArray,
    volume: FloatArray,
    slopes: FloatArray,
) -> None:
    """Fills the measured rows' part of log p(y | psi), but for a constant, and of its gradient.

    Args:
        psi: (3, n) natural scale.
        sizes: (k,) lesions with a first row, a second, ...
        since_baseline, before_dose, since_dose, v0, y: (m,) of the rows, rank by rank.
        is_measured: (m,) 1, or 0 where a row is censored.
        b: proportional error.
        value: (n,)
        gradient: (3, n) in psi.
        volume: (m,) predictions.
        slopes: (3, m) their derivatives in psi.
    """
    n = psi.shape[1]
    product, up, down = np.empty(n), np.empty(n), np.empty(n)
    for i in range(n):
        value[i], product[i] = 0.0, 1.0
        gradient[0, i], gradient[1, i], gradient[2, i] = 0.0, 0.0, 0.0
    start = 0
    for rank in range(len(sizes)):
        # Short loops over few arrays are those that the compiler makes vectors of.
        for i in range(sizes[rank]):
            up[i] = _exp(min(max(psi[0, i] * since_baseline[start + i], -LARGEST), LARGEST))
        for i in range(sizes[rank]):
            down[i] = psi[0, i] * before_dose[start + i] - psi[1, i] * since_dose[start + i]
        for i in range(sizes[rank]):
            down[i] = _exp(min(max(down[i], -LARGEST), LARGEST))
        for i in range(sizes[rank]):
            row = start + i
            f, growing, shrinking = psi[2, i], up[i], down[i]
            whole, before, after = since_baseline[row], before_dose[row], since_dose[row]
            rest = (1.0 - f) * shrinking
            grown = f * growing
            here = min(max(v0[row] * (grown + rest), SMALLEST_VOLUME), LARGEST_VOLUME)
            by_kg = v0[row] * (grown * whole + rest * before)
            by_kd = -v0[row] * (rest * after)
            by_f = v0[row] * (growing - shrinking)
            volume[row] = here
            slopes[0, row], slopes[1, row], slopes[2, row] = by_kg, by_kd, by_f
            off = y[row] / here - 1.0
            share = is_measured[row]
            value[i] -= share * 0.5 * (off * off) / (b * b)
            # A censored row multiplies by 1.
            product[i] *= share * here + (1.0 - share)
            pull = share * (off / (b * b) * (1.0 + off) - 1.0) / here
            gradient[0, i] += min(max(pull * by_kg, -LARGEST_PULL), LARGEST_PULL)
            gradient[1, i] += min(max(pull * by_kd, -LARGEST_PULL), LARGEST_PULL)
            gradient[2, i] += min(max(pull * by_f, -LARGEST_PULL), LARGEST_PULL)
        start += sizes[rank]
        if rank % ROWS_PER_LOGARITHM == ROWS_PER_LOGARITHM - 1:
            for i in range(sizes[rank]):
                value[i] -= _log(product[i])
                product[i] = 1.0
    for i in range(n):
        value[i] -= _log(product[i])

"""What of a patient's lesions the hazard depends on.

    h_i(t) = h0(t) exp(x_i' g + alpha' L_i(t))

``organ`` (one coefficient per group of organs) log(1 + SLD_o(t) / 10 mm), the sum over the group's
lesions, 0 without any (Kerioui et al. 2022, ESMO Open 7:100346 have the sum itself; its log keeps
the hazard finite beyond the last scan). ``value`` log(SLD(t) / 50 mm). ``slope`` 30 d/dt log
SLD(t), per 30 days. ``kg`` the mean of the lesions' log kg. ``ttg`` the mean of the lesions' days
to growth, over 100. ``shared`` the patient's own effects (log kg, log kd, logit F), as in
``udfs.growth.dropout``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from udfs.joint.arrays import FloatArray, log_sum_by, mean_by
from udfs.joint.errors import JointDataError
from udfs.joint.lesions import PARAMETERS, Lesions, time_to_growth

LINKS = ("organ", "value", "slope", "kg", "ttg", "shared")
NEEDS_LESION = ("value", "slope", "kg", "ttg")
"""Links that a patient without lesions has no value of."""
VALUE_UNIT_MM = 50.0
ORGAN_UNIT_MM = 10.0
SLOPE_UNIT_DAYS = 30.0
TTG_UNIT_DAYS = 100.0


def link_labels(links: Sequence[str], organs: Sequence[str]) -> tuple[str, ...]:
    """Names of the coefficients, in order.

    Raises:
        ValueError: an unknown link, one that comes twice, or none.
    """
    unknown = [one for one in links if one not in LINKS]
    if unknown or len(set(links)) < len(links) or not links:
        raise ValueError(
            f"links are {', '.join(links) or 'none'}; wanted one or more of {', '.join(LINKS)}, "
            "each once"
        )
    out: list[str] = []
    for one in links:
        if one == "organ":
            out += [f"organ_{name}" for name in organs]
        elif one == "shared":
            out += [f"shared_{name}" for name in PARAMETERS]
        else:
            out.append(one)
    return tuple(out)


def link_values(
    links: Sequence[str],
    lesions: Lesions,
    phi: FloatArray,
    u: FloatArray,
    days: FloatArray,
    *,
    log_kg_centre: float = 0.0,
) -> FloatArray:
    """(P, M, Q, K) values of the links of each patient in each draw on each day.

    Args:
        links: some of ``LINKS``.
        lesions: n lesions of P patients.
        phi: (n, M, 3) draws of the lesions' parameters, Gaussian scale.
        u: (P, M, 3) draws of the patients' effects.
        days: (P, Q) since the first dose, each patient's own.
        log_kg_centre: subtracted from the ``kg`` link (which moves the baseline hazard alone).

    Raises:
        JointDataError: a link needs a lesion, and some patients have none.
    """
    labels = link_labels(links, lesions.organs)
    p, (n_draws, n_days) = lesions.n_patients, (u.shape[1], days.shape[1])
    _check_lesions(links, lesions)
    out = np.zeros((p, n_draws, n_days, len(labels)))
    own_days = days[lesions.patient]
    needs_size = bool({"organ", "value", "slope"} & set(links))
    log_d = lesions.log_diameter(phi, own_days) if needs_size else None
    log_sld = None
    if log_d is not None and {"value", "slope"} & set(links):
        log_sld = log_sum_by(log_d, lesions.patient, p)
    place = 0
    for one in links:
        if one == "organ" and log_d is not None:
            for code in range(len(lesions.organs)):
                mine = np.flatnonzero(lesions.organ == code)
                total = log_sum_by(log_d[mine], lesions.patient[mine], p)
                out[..., place + code] = np.logaddexp(0.0, total - np.log(ORGAN_UNIT_MM))
            place += len(lesions.organs)
            continue
        if one == "shared":
            out[..., place : place + len(PARAMETERS)] = u[:, :, None, :]
            place += len(PARAMETERS)
            continue
        if one == "value" and log_sld is not None:
            out[..., place] = log_sld - np.log(VALUE_UNIT_MM)
        elif one == "slope" and log_d is not None and log_sld is not None:
            share = np.exp(log_d - log_sld[lesions.patient])
            share *= lesions.log_slope(phi, own_days)
            first = np.searchsorted(lesions.patient, np.arange(p))
            out[..., place] = SLOPE_UNIT_DAYS * np.add.reduceat(share, first, axis=0)
        elif one == "kg":
            mean = mean_by(phi[..., 0], lesions.patient, p) - log_kg_centre
            out[..., place] = mean[..., None]
        else:
            mean = mean_by(time_to_growth(phi), lesions.patient, p) / TTG_UNIT_DAYS
            out[..., place] = mean[..., None]
        place += 1
    return out


def _check_lesions(links: Sequence[str], lesions: Lesions) -> None:
    needing = [one for one in links if one in NEEDS_LESION]
    if not needing:
        return
    without = lesions.n_patients - len(np.unique(lesions.patient))
    if without:
        raise JointDataError(
            f"{without} patients have no lesion, so that the link {needing[0]!r} has no value: "
            "leave them out, or take the link 'organ' or 'shared'"
        )


def organ_hazard_ratio(alpha: float, size_mm: float, more_mm: float = 10.0) -> float:
    """Hazard ratio of ``more_mm`` in an organ whose sum of diameters is ``size_mm``.

    ((s + more + 10) / (s + 10))^alpha; 10 mm more at 30 mm with alpha = .5: (50 / 40)^.5 = 1.118.
    """
    unit = ORGAN_UNIT_MM
    return float(((size_mm + more_mm + unit) / (size_mm + unit)) ** alpha)

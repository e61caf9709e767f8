"""Rows of the tables that hold a growth fit against its measurements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from flows.steps.growth.parts.check_tables import (
    DRAW,
    FIT_CHECK,
    LESION_PARAMETER,
    RESIDUAL,
    VPC,
)
from flows.steps.growth.parts.leaving import read_ends, read_leaving, volume_per_cube
from flows.steps.growth.parts.rebuilt import Rebuilt, as_text
from flows.steps.growth.parts.tables import fit_table
from udfs.growth.individual import ConditionalDraws
from udfs.growth.modes import ConditionalModes
from udfs.growth.parameters import BoolArray, FloatArray
from udfs.growth.residuals import Residuals
from udfs.growth.score_tests import score_tests
from udfs.growth.vpc import PredictiveCheck, predictive_checks
from udfs.growth.vpc_dropout import dropout_checks
from warehouse.registry import StepContext

FEWEST_ROWS = 100
"""Measurements of a stratum worth a check of its own."""
TEXT = pa.string()
Strata = dict[tuple[str, str], BoolArray]
QUANTITIES = ("individual_residual", "individual_residual_draw", "population_residual", "npde")


def row_lesions(found: Rebuilt, residuals: Residuals) -> pd.DataFrame:
    """Lesion of each evaluated row: id, patient, organ, treatment class, in the rows' order."""
    data = found.fit.problem.data
    return found.targets.lesions.loc[data.lesion[data.row_lesion[residuals.data_row]]]


def strata_of(rows: pd.DataFrame, kinds: tuple[str, ...]) -> Strata:
    """Sets of evaluated rows: all of them, then one per value of each kind that varies."""
    found: Strata = {("all", "all"): np.ones(len(rows), dtype=bool)}
    for kind in kinds:
        words = as_text(rows[kind])
        for word in np.unique(words):
            members = words == word
            if FEWEST_ROWS <= members.sum() < len(words):
                found[(kind, str(word))] = members
    return found


def residual_rows(
    found: Rebuilt, residuals: Residuals, population: FloatArray, rows: pd.DataFrame
) -> pa.Table:
    """Rows of ``growth_residual``, by lesion and day."""
    data = found.fit.problem.data
    place = residuals.data_row
    return fit_table(
        RESIDUAL,
        {
            "fit_id": repeated(found.fit_id, len(place)),
            "lesion_id": pa.array(rows["lesion_id"], TEXT),
            "day": data.time[place],
            "patient_id": pa.array(rows["patient_id"], TEXT, from_pandas=True),
            "organ": pa.array(rows["organ"], TEXT, from_pandas=True),
            "volume_mm3": data.volume[place],
            "is_censored": residuals.is_censored,
            "imputed_volume_mm3": residuals.observed_mm3,
            "population_mm3": residuals.population_mm3,
            "individual_mm3": residuals.individual_mm3,
            "individual_residual": residuals.individual,
            "individual_residual_draw": residuals.individual_from_draws,
            "population_residual": population,
            "npde": residuals.npde,
        },
    )


def simulated_checks(
    context: StepContext, found: Rebuilt, residuals: Residuals, strata: Strata
) -> dict[tuple[str, str], PredictiveCheck]:
    """Predictive checks by stratum; simulated patients leave where the fit says who does."""
    names = {f"{kind}\n{value}": (kind, value) for kind, value in strata}
    rows = {name: strata[key] for name, key in names.items()}
    count = int(context.setting("growth.vpc_simulations"))
    leaving = read_leaving(context, found)
    if leaving is None:
        checks = predictive_checks(
            found.fit, residuals, rows, n_simulations=count, seed=found.fit.seed
        )
    else:
        checks = dropout_checks(
            found.fit,
            residuals,
            rows,
            leaving,
            read_ends(context, found.subset),
            volume_per_cube=volume_per_cube(found, float(context.setting("volume.axis_ratio"))),
            n_simulations=count,
            seed=found.fit.seed,
            threads=found.threads,
        )
    return {names[name]: check for name, check in checks.items()}


def vpc_rows(found: Rebuilt, checks: Mapping[tuple[str, str], PredictiveCheck]) -> pa.Table:
    """Rows of ``growth_vpc``."""
    rows: list[dict[str, Any]] = []
    for (kind, stratum), check in checks.items():
        for k in range(len(check.n_rows)):
            shared = {
                "fit_id": found.fit_id,
                "stratum_kind": kind,
                "stratum": stratum,
                "bin": k + 1,
                "day_from": check.day_from[k],
                "day_to": check.day_to[k],
                "day_middle": check.day_middle[k],
                "n_rows": int(check.n_rows[k]),
                "level": check.level,
                "simulates_dropout": check.simulates_dropout,
            }
            for quantity, observed, lower, median, upper in _quantities(check, k):
                is_known = bool(np.isfinite(lower))
                rows.append(
                    {
                        **shared,
                        "quantity": quantity,
                        "observed": observed,
                        "simulated_lower": lower,
                        "simulated_median": median,
                        "simulated_upper": upper,
                        "is_inside": bool(lower <= observed <= upper) if is_known else None,
                    }
                )
    return fit_table(VPC, rows)


def _quantities(check: PredictiveCheck, k: int) -> list[tuple[str, float, float, float, float]]:
    """Name, observed, lower, median and upper of each quantity of bin k."""
    corrected = (check.observed, check.lower, check.median, check.upper)
    raw = (check.raw_observed, check.raw_lower, check.raw_median, check.raw_upper)
    found: list[tuple[str, float, float, float, float]] = [
        (f"p{percentile:02.0f}{end}", *(values[k, q] for values in of))
        for end, of in (("", corrected), ("_uncorrected", raw))
        for q, percentile in enumerate(check.percentile)
    ]
    shares = {
        "censored": (check.censored_observed, check.censored_lower, check.censored_median,
                     check.censored_upper),
        "followed": (check.followed_observed, check.followed_lower, check.followed_median,
                     check.followed_upper),
    }  # fmt: skip
    for name, (observed, lower, median, upper) in shares.items():
        if observed is not None and lower is not None and median is not None:
            assert upper is not None  # comes with the other limit
            found.append((name, observed[k], lower[k], median[k], upper[k]))
    return found


def fit_check_rows(
    found: Rebuilt, residuals: Residuals, population: FloatArray, strata: Strata
) -> pa.Table:
    """Rows of ``growth_fit_check``."""
    values: Mapping[str, FloatArray] = dict(
        zip(
            QUANTITIES,
            (residuals.individual, residuals.individual_from_draws, population, residuals.npde),
            strict=True,
        )
    )
    rows = []
    for (kind, stratum), members in strata.items():
        for quantity, scores in values.items():
            tests = score_tests(scores[members])
            is_shrunk = quantity == "individual_residual"
            rows.append(
                {
                    "fit_id": found.fit_id,
                    "stratum_kind": kind,
                    "stratum": stratum,
                    "quantity": quantity,
                    "n_censored": int(residuals.is_censored[members].sum()),
                    **vars(tests),
                    "epsilon_shrinkage": 1.0 - tests.variance**0.5 if is_shrunk else None,
                    "is_adequate": None
                    if is_shrunk
                    else bool(abs(tests.mean) <= 0.1 and 0.8 <= tests.variance <= 1.25),
                }
            )
    return fit_table(FIT_CHECK, rows)


def parameter_rows(found: Rebuilt, modes: ConditionalModes) -> pa.Table:
    """Rows of ``growth_lesion_parameter``, by parameter, kind and lesion."""
    fit = found.fit
    n = fit.n_lesions
    variance = np.diag(fit.population.omega)
    lesion = pa.array(fit.lesions.lesion.tolist(), TEXT)
    parts = []
    kinds = {
        "conditional_mode": (modes.phi, modes.sd_phi),
        "conditional_mean": (fit.lesions.mean_phi, fit.lesions.sd_phi),
    }
    for k, parameter in enumerate(fit.problem.model.parameters):
        for kind, (phi, sd) in kinds.items():
            value = parameter.to_psi(phi[:, k])
            parts.append(
                fit_table(
                    LESION_PARAMETER,
                    {
                        "fit_id": repeated(found.fit_id, n),
                        "lesion_id": lesion,
                        "parameter": repeated(parameter.name, n),
                        "estimate_kind": repeated(kind, n),
                        "unit": repeated(parameter.unit, n)
                        if parameter.unit
                        else pa.nulls(n, TEXT),
                        "distribution": repeated(parameter.distribution, n),
                        "value": value,
                        "sd": sd[:, k] * parameter.slope(value),
                        "gaussian_value": phi[:, k],
                        "gaussian_sd": sd[:, k],
                        "shrinkage": sd[:, k] ** 2 / variance[k],
                    },
                )
            )
    return pa.concat_tables(parts)


def draw_rows(found: Rebuilt, draws: ConditionalDraws) -> pa.Table:
    """Rows of ``growth_draw``, by parameter and lesion."""
    fit = found.fit
    n, count, _ = draws.phi.shape
    lesion = pa.array(fit.lesions.lesion.tolist(), TEXT)
    offsets = pa.array(np.arange(n + 1, dtype=np.int32) * count)
    return pa.concat_tables(
        fit_table(
            DRAW,
            {
                "fit_id": repeated(found.fit_id, n),
                "lesion_id": lesion,
                "parameter": repeated(parameter.name, n),
                "gaussian_draws": pa.ListArray.from_arrays(
                    offsets, pa.array(np.ascontiguousarray(draws.phi[:, :, k]).ravel())
                ),
            },
        )
        for k, parameter in enumerate(fit.problem.model.parameters)
    )


def repeated(text: str, count: int) -> pa.Array:
    """``count`` times the same text."""
    return pa.repeat(pa.scalar(text, TEXT), count)

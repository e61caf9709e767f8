"""Rows of the tables that hold lesions' growth parameters against each other and their groups."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flows.steps.growth.parts.estimated import COLUMN, Estimated, large_groups
from flows.steps.growth.parts.extensions import ratio_of
from udfs.comparisons.adjust import adjusted
from udfs.growth.associations import (
    Correlation,
    compare_groups,
    correlations,
    group_means,
    regression_line,
)
from udfs.growth.clustered import (
    clustered_contrast,
    clustered_correlation,
    clustered_mean,
    spearman,
)
from udfs.growth.parameters import FloatArray, Parameter
from warehouse.result_tables import nulls

Row = dict[str, Any]
FEWEST_LESIONS = 5
FEWEST_PATIENTS = 5
"""Of each side of a contrast."""
ALONE, ALL = "chemotherapy alone", "all"
ECOLOGICAL = "ecological: between the means of {n} organs, silent on single lesions; {kind}"
OF_LESIONS = "between {n} lesions, interval by patient; {kind}"
KIND_WORDS = {
    "conditional_mode": "modes, which shrinkage correlates by itself",
    "conditional_mean": "means, which shrinkage correlates by itself",
    "draws": "draws: right about no correlation, drawn towards 0 otherwise",
    "covariate_model": "effects of a model with organs as fixed effects",
    "full_omega": "estimated in a model with correlated random effects",
}


def organ_rows(found: Estimated) -> list[Row]:
    """Rows of ``growth_by_organ``."""
    organ, cluster = found.words("organ"), found.cluster
    names = np.unique(organ)
    rows = []
    for k, (parameter, kind) in enumerate(zip(found.parameters, found.distributions, strict=True)):
        scale = Parameter(parameter, "", kind, 1.0)  # type: ignore[arg-type]
        p_modes = p_draws = None
        if len(names) > 1:
            p_modes = compare_groups(found.mode[:, k], organ).p_value
            p_draws = compare_groups(found.draws[..., k], organ).p_value
        for name in names:
            here = organ == name
            values = np.quantile(found.natural[here, k], [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0])
            middle = clustered_mean(found.draws[here, :, k], cluster[here])
            typical = scale.to_psi(np.array([middle.estimate, middle.ci_lower, middle.ci_upper]))
            rows.append(
                {
                    "fit_id": found.fit_id,
                    "organ": str(name),
                    "parameter": COLUMN.get(parameter, parameter),
                    "n_lesions": int(here.sum()),
                    "n_patients": len(np.unique(cluster[here])),
                    **dict(
                        zip(
                            (
                                "minimum",
                                "percentile_10",
                                "lower_quartile",
                                "median",
                                "upper_quartile",
                                "percentile_90",
                                "maximum",
                            ),
                            values.tolist(),
                            strict=True,
                        )
                    ),
                    "typical": float(typical[0]),
                    "typical_lower": float(typical[1]),
                    "typical_upper": float(typical[2]),
                    "kruskal_wallis_p": p_modes,
                    "kruskal_wallis_p_draws": p_draws,
                }
            )
    return rows


def correlation_rows(
    found: Estimated, covariate: pd.DataFrame, random_effect: pd.DataFrame
) -> list[Row]:
    """Rows of ``growth_correlation``: across organs, then across lesions."""
    names = found.gaussian_names
    organ = found.words("organ")
    kinds = {**found.kinds(), "conditional_mean": found.mean}
    rows = []
    large = large_groups(organ, FEWEST_LESIONS)
    if len(np.unique(organ[large])) > 2:
        for kind, values in kinds.items():
            rows += [
                _correlation_row(found, "organ", kind, one)
                for one in correlations(names, values[large], group=organ[large])
            ]
        rows += _of_effects(found, covariate, set(organ[large]))
    cluster = found.cluster
    if len(np.unique(cluster)) > 2:
        for kind, values in kinds.items():
            for a, b in combinations(range(len(names)), 2):
                one = clustered_correlation(values[..., a], values[..., b], cluster)
                rows.append(
                    _row(found, "lesion", kind, names[a], names[b], len(organ), one.estimate,
                         one.ci_lower, one.ci_upper, one.p_value)
                )  # fmt: skip
    by_name = dict(zip(found.parameters, names, strict=True))
    for one in random_effect.itertuples(index=False):
        rows.append(
            _row(found, "lesion", "full_omega", by_name[one.x], by_name[one.y], len(organ),
                 one.estimate, one.ci_lower, one.ci_upper, one.p_value)
        )  # fmt: skip
    return rows


def _of_effects(found: Estimated, covariate: pd.DataFrame, organs: set[str]) -> list[Row]:
    """Correlations of the organs' effects; the reference organ's are 0."""
    wide = covariate[covariate["level"].isin(organs)].pivot(
        index="level", columns="parameter", values="effect"
    )
    if len(wide) < 2 or set(wide.columns) != set(found.parameters):
        return []
    values = np.concatenate([wide[list(found.parameters)].to_numpy(), np.zeros((1, wide.shape[1]))])
    return [
        _correlation_row(found, "organ", "covariate_model", one)
        for one in correlations(found.gaussian_names, values)
    ]


def _correlation_row(found: Estimated, level: str, kind: str, one: Correlation) -> Row:
    return _row(
        found, level, kind, one.x, one.y, one.n, one.r, one.ci_lower, one.ci_upper, one.p_value
    )


def _row(
    found: Estimated,
    level: str,
    kind: str,
    x: str,
    y: str,
    n: int,
    r: float,
    low: float,
    high: float,
    p_value: float,
) -> Row:
    words = ECOLOGICAL if level == "organ" else OF_LESIONS
    return {
        "fit_id": found.fit_id,
        "level": level,
        "estimate_kind": kind,
        "x": x,
        "y": y,
        "n": n,
        "r": r,
        "ci_lower": low,
        "ci_upper": high,
        "p_value": p_value,
        "is_ecological": level == "organ",
        "reading": words.format(n=n, kind=KIND_WORDS[kind]),
    }


def comparison_rows(found: Estimated, correction: Any) -> list[Row]:
    """Rows of ``growth_comparison``: organs, then therapies."""
    rows: list[Row] = []
    for grouping in ("organ", "therapy"):
        words = found.words(grouping)
        large = large_groups(words, FEWEST_LESIONS)
        if len(np.unique(words[large])) < 2:
            continue
        for k, parameter in enumerate(found.parameters):
            for kind, values in found.kinds().items():
                rows += _compared(
                    {
                        "fit_id": found.fit_id,
                        "grouping": grouping,
                        "parameter": parameter,
                        "estimate_kind": kind,
                    },
                    values[large][..., k],
                    words[large],
                    found.natural[large, k],
                    correction,
                )
    return rows


def _compared(
    key: Row, values: FloatArray, words: NDArray[Any], natural: FloatArray, correction: Any
) -> list[Row]:
    tests = compare_groups(values, words)
    names = tests.group.tolist()
    median = [float(np.median(natural[words == name])) for name in names]
    rows = [
        {
            **key,
            "test": "Kruskal-Wallis",
            "group_a": ALL,
            "group_b": ALL,
            "n_a": len(words),
            "statistic": tests.statistic,
            "df": tests.df,
            "p_value": tests.p_value,
            "p_adjusted": tests.p_value,
            **nulls(("n_b", "median_a", "median_b")),
        }
    ]
    corrected = adjusted(tests.pair_p_value, correction)
    for k, (a, b) in enumerate(tests.pair.tolist()):
        rows.append(
            {
                **key,
                "test": "Dunn",
                "group_a": names[a],
                "group_b": names[b],
                "n_a": int(tests.n[a]),
                "n_b": int(tests.n[b]),
                "median_a": median[a],
                "median_b": median[b],
                "statistic": float(tests.z[k]),
                "df": None,
                "p_value": float(tests.pair_p_value[k]),
                "p_adjusted": float(corrected[k]),
            }
        )
    return rows


def baseline_rows(found: Estimated) -> list[Row]:
    """Rows of ``growth_baseline``."""
    volume = found.lesions["baseline_volume_mm3"].to_numpy(dtype=np.float64)
    patients, code = np.unique(found.cluster, return_inverse=True)
    total = np.bincount(code, weights=volume)
    burdens = {"lesion_volume": np.log(volume), "patient_volume": np.log(total[code])}
    rows = []
    if len(patients) < 3:
        return []
    counts = np.bincount(code)
    for k, parameter in enumerate(found.parameters):
        for kind, values in found.kinds().items():
            key = {
                "fit_id": found.fit_id,
                "parameter": parameter,
                "estimate_kind": kind,
                "n_lesions": len(volume),
                "n_patients": len(patients),
                "n_organs": None,
            }
            here = values[..., k]
            for burden, x in burdens.items():
                rows.append(
                    _burden_row({**key, "burden": burden, "level": "lesion"}, x, here, code)
                )
            flat = here[:, None] if here.ndim == 1 else here
            mean = np.zeros((len(patients), flat.shape[1]))
            np.add.at(mean, code, flat)
            mean /= counts[:, None]
            rows.append(
                _burden_row(
                    {**key, "burden": "patient_volume", "level": "patient"},
                    np.log(total),
                    mean,
                    np.arange(len(patients)),
                )
            )
    return [row for row in rows if row]


def _burden_row(key: Row, x: FloatArray, y: FloatArray, cluster: NDArray[Any]) -> Row:
    if np.all(x == x[0]):
        return {}
    one = clustered_correlation(x, y, cluster)
    return {
        **key,
        "r": one.estimate,
        "ci_lower": one.ci_lower,
        "ci_upper": one.ci_upper,
        "p_value": one.p_value,
        "spearman_rho": spearman(x, y),
    }


def organ_baseline_rows(found: Estimated) -> tuple[list[Row], list[Row]]:
    """Rows of ``growth_baseline`` over organs, and of ``growth_baseline_organ``."""
    words = found.words("organ")
    large = large_groups(words, FEWEST_LESIONS)
    organ, cluster = words[large], found.cluster[large]
    names, n_lesions = np.unique(organ, return_counts=True)
    volume = np.log(found.lesions["baseline_volume_mm3"].to_numpy(dtype=np.float64)[large])
    if len(names) < 3 or np.ptp(middle := group_means(volume[:, None], organ)[:, 0]) == 0:
        return [], []
    n_patients = [len(np.unique(cluster[organ == name])) for name in names]
    over, points = [], []
    for k, (parameter, kind) in enumerate(zip(found.parameters, found.distributions, strict=True)):
        scale = Parameter(parameter, "", kind, 1.0)  # type: ignore[arg-type]
        for estimate_kind, values in found.kinds().items():
            key = {"fit_id": found.fit_id, "parameter": parameter, "estimate_kind": estimate_kind}
            y = values[large][..., k]
            x = volume if y.ndim == 1 else np.broadcast_to(volume[:, None], y.shape)
            (one,) = correlations(["burden", parameter], np.stack([x, y], axis=-1), group=organ)
            means = group_means(y.reshape(len(y), -1), organ)
            over.append(
                {**key, "burden": "organ_volume", "level": "organ", "n_lesions": len(organ),
                 "n_patients": len(np.unique(cluster)), "n_organs": len(names), "r": one.r,
                 "ci_lower": one.ci_lower, "ci_upper": one.ci_upper, "p_value": one.p_value,
                 "spearman_rho": spearman(middle, means)}
            )  # fmt: skip
            line = regression_line(middle, value := means.mean(axis=1))
            drawn = scale.to_psi(np.stack([value, line.fitted, line.lower, line.upper], axis=1))
            named = ("value", "fitted", "fitted_lower", "fitted_upper")
            points += [
                {**key, "organ": str(names[g]), "n_lesions": int(n_lesions[g]),
                 "n_patients": n_patients[g], "baseline_volume_mm3": float(np.exp(middle[g])),
                 **dict(zip(named, drawn[g].tolist(), strict=True))}
                for g in range(len(names))
            ]  # fmt: skip
    return over, points


def effect_rows(found: Estimated, covariate: pd.DataFrame, correction: Any) -> list[Row]:
    """Rows of ``growth_effect``."""
    therapy, targeting = found.words("therapy"), found.words("targeting")
    contrasts = {
        str(name): therapy == name
        for name in np.unique(therapy)
        if str(name).endswith("plus chemotherapy")
    }
    if len(contrasts) > 1:
        contrasts["targeted plus chemotherapy"] = targeting == "targeted plus chemotherapy"
    control = therapy == ALONE
    organ, line = found.words("organ"), found.words("line_of_therapy")
    adjustments: dict[str, NDArray[Any] | None] = {"none": None}
    if len(np.unique(line)) > 1:
        adjustments["line_of_therapy"] = line
    rows: list[Row] = []
    for name, treated in contrasts.items():
        for k, parameter in enumerate(found.parameters):
            for kind, values in found.kinds().items():
                for adjustment, labels in adjustments.items():
                    key = {
                        "fit_id": found.fit_id,
                        "treatment": name,
                        "control": ALONE,
                        "parameter": parameter,
                        "estimate_kind": kind,
                        "adjustment": adjustment,
                    }
                    rows += _contrasts(
                        found, key, values[..., k], treated, control, organ, labels, correction
                    )
    return rows + _model_effects(found, covariate)


def _contrasts(
    found: Estimated,
    key: Row,
    values: FloatArray,
    treated: NDArray[np.bool_],
    control: NDArray[np.bool_],
    organ: NDArray[Any],
    labels: NDArray[Any] | None,
    correction: Any,
) -> list[Row]:
    """One contrast over all organs, then in each that has enough patients on both sides."""
    cluster = found.cluster
    is_positive = found.distributions[found.parameters.index(key["parameter"])] != "normal"
    rows: list[Row] = []
    for place in (ALL, *np.unique(organ).tolist()):
        here = (treated | control) if place == ALL else (treated | control) & (organ == place)
        sides = [len(np.unique(cluster[here & side])) for side in (treated, control)]
        if min(sides) < FEWEST_PATIENTS:
            continue
        within = None if labels is None else labels[here]
        if within is not None and not _shares_label(treated[here], within):
            continue
        one = clustered_contrast(values[here], treated[here], cluster[here], within)
        rows.append(
            {
                **key,
                "organ": place,
                "n_lesions_treatment": int((here & treated).sum()),
                "n_lesions_control": int((here & control).sum()),
                "n_patients": len(np.unique(cluster[here])),
                "difference": one.difference.estimate,
                "standard_error": one.difference.standard_error,
                "ci_lower": one.difference.ci_lower,
                "ci_upper": one.difference.ci_upper,
                "ratio": ratio_of(one.difference.estimate) if is_positive else None,
                "standardised": one.standardised.estimate,
                "standardised_lower": one.standardised.ci_lower,
                "standardised_upper": one.standardised.ci_upper,
                "missing_share": one.difference.missing_share,
                "p_value": one.difference.p_value,
                "p_adjusted": None,
            }
        )
    organs = [row for row in rows if row["organ"] != ALL]
    if organs:
        corrected = adjusted([row["p_value"] for row in organs], correction)
        for row, value in zip(organs, corrected, strict=True):
            row["p_adjusted"] = float(value)
    return rows


def _shares_label(treated: NDArray[np.bool_], labels: NDArray[Any]) -> bool:
    return bool(set(labels[treated].tolist()) & set(labels[~treated].tolist()))


def _model_effects(found: Estimated, covariate: pd.DataFrame) -> list[Row]:
    """The treatments' effects in the model with covariates."""
    given: Sequence[str] = covariate["covariate"].unique().tolist()
    rows = []
    for name in ("therapy", "targeting"):
        chosen = covariate[(covariate["covariate"] == name) & (covariate["reference"] == ALONE)]
        others = " ".join(sorted(one for one in given if one != name)) or "none"
        for one in chosen.itertuples(index=False):
            rows.append(
                {
                    "fit_id": found.fit_id,
                    "treatment": one.level,
                    "control": ALONE,
                    "organ": ALL,
                    "parameter": one.parameter,
                    "estimate_kind": "covariate_model",
                    "adjustment": others,
                    "n_lesions_treatment": one.n_lesions,
                    "n_lesions_control": one.n_reference,
                    "difference": one.effect,
                    "standard_error": one.standard_error,
                    "ci_lower": one.ci_lower,
                    "ci_upper": one.ci_upper,
                    "ratio": one.ratio,
                    "p_value": one.p_value,
                    **nulls(("n_patients", "standardised", "standardised_lower")),
                    **nulls(("standardised_upper", "missing_share", "p_adjusted")),
                }
            )
    return rows

"""Shares, places and characteristics of clusters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.steps.progression.parts.groups import clusters_by_size, of_subset, treatments
from udfs.comparisons.tables import table_test
from warehouse.result_tables import nulls

if TYPE_CHECKING:
    import pandas as pd

Rows = list[dict[str, Any]]
EVERYTHING = "all"
ALL_CLUSTERS = "all clusters"
NUMBERS = (
    "age_years",
    "bmi_kg_m2",
    "ldh_ratio",
    "n_organs",
    "n_lesions",
    "n_target_lesions",
    "sum_of_diameters_mm",
    "target_volume_mm3",
)
CATEGORIES = (
    "sex",
    "race",
    "ecog",
    "kras_status",
    "primary_site",
    "line_of_therapy",
    "prior_surgery",
    "prior_surgery_liver",
    "prior_surgery_lung",
    "prior_surgery_ln",
    "prior_radiation",
    "prior_adjuvant",
    "treatment_class",
    "treatment",
    "study_id",
)
BASELINE = f"""
SELECT
    patient_id,
    {", ".join(f"CAST({name} AS DOUBLE) AS {name}" for name in NUMBERS)},
    {", ".join(f"CAST({name} AS VARCHAR) AS {name}" for name in CATEGORIES)}
FROM analysis.baseline_feature
ORDER BY patient_id
"""
BOX = ("mean", "sd", "first_quartile", "median", "third_quartile")
"""Of a number; NULL for categories."""
PLACES = 3
"""Places of the sequence whose organs are compared between treatments."""


def proportions(members: pd.DataFrame) -> Rows:
    """Shares of the clusters in each treatment (Fig. 5b)."""
    from udfs.progression.prediction.metrics import wilson

    rows: Rows = []
    for subset, part in members.groupby("subset", sort=True):
        names = clusters_by_size(part)
        for treatment in treatments(part):
            treated = part[part["treatment_class"] == treatment]
            n_progressed = int((treated["cluster"] > 0).sum())
            for name in names:
                chosen = treated["cluster_name"] == name
                is_none = bool((part.loc[part["cluster_name"] == name, "cluster"] == 0).all())
                n, n_of = int(chosen.sum()), len(treated) if is_none else n_progressed
                row = {"subset": subset, "treatment_class": treatment, "cluster_name": name}
                row |= {"n": n, "n_of": n_of}
                row |= nulls(("share", "ci_lower", "ci_upper"))
                if n_of:
                    lower, upper = wilson(np.array([float(n)]), np.array([float(n_of)]))
                    row |= {"share": n / n_of}
                    row |= {"ci_lower": float(lower[0]), "ci_upper": float(upper[0])}
                rows.append(row)
    return rows


def places(members: pd.DataFrame, sequences: pd.DataFrame) -> Rows:
    """Patients by organ and place (Fig. 4a, 5c to e, S10)."""
    rows: Rows = []
    for subset, part in members.groupby("subset", sort=True):
        known = part[part["cluster"] > 0]
        for treatment in (EVERYTHING, *treatments(part)):
            of = known if treatment == EVERYTHING else known[known["treatment_class"] == treatment]
            n_cluster = of["cluster_name"].value_counts()
            merged = sequences.merge(of[["patient_id", "cluster_name"]], on="patient_id")
            grouped = merged.groupby(["cluster_name", "position", "organ"], sort=True)["time_days"]
            for (name, position, organ), days in grouped:
                n = len(days)
                rows.append(
                    {
                        "subset": subset,
                        "cluster_name": name,
                        "treatment_class": treatment,
                        "position": int(position),
                        "organ": organ,
                        "n_patients": n,
                        "n_cluster": int(n_cluster[name]),
                        "share": n / int(n_cluster[name]),
                        "log10_n": float(np.log10(n + 1)),
                        "median_days": float(np.median(days.to_numpy(np.float64))),
                    }
                )
    return rows


def associations(members: pd.DataFrame, sequences: pd.DataFrame, seed: int) -> Rows:
    """Does treatment go with the cluster, and within a cluster with the organs at the places."""
    rows: Rows = []
    for subset, part in members.groupby("subset", sort=True):
        classes = treatments(part)
        treated = part[part["treatment_class"].isin(classes)]
        known = treated[treated["cluster"] > 0]
        if (treated["cluster"] == 0).any():
            any_progression = treated["cluster"] > 0
            rows.append(
                _association(str(subset), "any progression", treated, any_progression, seed)
            )
        named = known["cluster_name"]
        rows.append(_association(str(subset), "progression cluster", known, named, seed))
        for name in clusters_by_size(known):
            inside = known[known["cluster_name"] == name]
            for place in range(1, PLACES + 1):
                at = sequences[sequences["position"] == place]
                merged = inside.merge(at[["patient_id", "organ"]], on="patient_id")
                variable = f"organ at place {place}"
                rows.append(
                    _association(
                        of_subset(str(subset), name), variable, merged, merged["organ"], seed
                    )
                )
    return rows


def _association(
    subset: str, variable: str, rows: pd.DataFrame, group: pd.Series, seed: int
) -> dict[str, Any]:
    test = table_test(_counts(rows["treatment_class"], group), seed=seed % 2**31)
    n_treatments = int(rows["treatment_class"].nunique())
    out: dict[str, Any] = {"subset": subset, "variable": variable}
    out |= {"n_patients": test.n, "n_treatments": n_treatments}
    if np.isnan(test.p_value):
        reason = "fewer than two treatments" if n_treatments < 2 else "one group only"
        nothing = nulls(("statistic", "df", "p_value", "method", "cramers_v"))
        return {**out, **nothing, "null_reason": reason if test.n else "no patient"}
    out |= {
        "null_reason": None,
        "statistic": test.statistic,
        "df": test.df,
        "p_value": test.p_value,
    }
    return out | {"method": test.method, "cramers_v": test.cramers_v}


def _counts(a: pd.Series, b: pd.Series) -> np.ndarray:
    """(r, c) patients with each pair of values, both in alphabetical order."""
    first, i = np.unique(a.to_numpy(dtype=str), return_inverse=True)
    second, j = np.unique(b.to_numpy(dtype=str), return_inverse=True)
    table = np.bincount(i * second.size + j, minlength=first.size * second.size)
    return np.asarray(table.reshape(first.size, second.size))


def characteristics(members: pd.DataFrame, baseline: pd.DataFrame, seed: int) -> Rows:
    """Patients at baseline by cluster (Supplementary Table 3)."""
    rows: Rows = []
    for subset, part in members.groupby("subset", sort=True):
        names = clusters_by_size(part)
        merged = part[["patient_id", "cluster_name"]].merge(baseline, on="patient_id")
        for order, variable in enumerate((*NUMBERS, *CATEGORIES)):
            key = {"subset": subset, "variable": variable, "variable_order": order + 1}
            if variable in NUMBERS:
                rows += _number_rows(key, merged, variable, names)
            else:
                rows += _category_rows(key, merged, variable, names, seed)
    return rows


def _columns(merged: pd.DataFrame, names: list[str]) -> Iterator[tuple[int, str, pd.DataFrame]]:
    """All patients, then each cluster: place, name and rows."""
    yield 0, ALL_CLUSTERS, merged
    for place, name in enumerate(names):
        yield place + 1, name, merged[merged["cluster_name"] == name]


def _number_rows(
    key: dict[str, Any], merged: pd.DataFrame, variable: str, names: list[str]
) -> Rows:
    from udfs.comparisons import kruskal_wallis

    known = merged[merged[variable].notna()]
    if known.empty:
        return []
    found = kruskal_wallis(
        known[variable].to_numpy(np.float64), known["cluster_name"].to_numpy(str)
    )
    test = nulls(("test", "p_value", "share"))
    if not np.isnan(found.p_value):
        test |= {"test": "Kruskal-Wallis", "p_value": found.p_value}
    rows: Rows = []
    for place, name, part in _columns(merged, names):
        x = part[variable].dropna().to_numpy(np.float64)
        row = {**key, "cluster_name": name, "cluster_order": place, "level": "number"}
        row |= {"n": x.size, "n_known": x.size, "n_patients": len(part), **test}
        row |= nulls(BOX)
        if x.size:
            q1, q2, q3 = (float(q) for q in np.quantile(x, (0.25, 0.5, 0.75)))
            row |= {"mean": float(x.mean()), "first_quartile": q1, "median": q2}
            row |= {"third_quartile": q3, "sd": float(x.std(ddof=1)) if x.size > 1 else None}
        rows.append(row)
    return rows


def _category_rows(
    key: dict[str, Any], merged: pd.DataFrame, variable: str, names: list[str], seed: int
) -> Rows:
    known = merged[merged[variable].notna()]
    if known.empty:
        return []
    levels = sorted(str(level) for level in known[variable].unique())
    found = table_test(_counts(known["cluster_name"], known[variable]), seed=seed % 2**31)
    test = nulls(("test", "p_value", *BOX))
    if not np.isnan(found.p_value):
        test |= {"test": found.method, "p_value": found.p_value}
    rows: Rows = []
    for place, name, part in _columns(merged, names):
        values = part[variable].dropna().astype(str)
        for level in levels:
            n = int((values == level).sum())
            row = {**key, "cluster_name": name, "cluster_order": place, "level": level}
            row |= {"n": n, "n_known": len(values), "n_patients": len(part), **test}
            row |= {"share": n / len(values) if len(values) else None}
            rows.append(row)
    return rows

"""Survival worked out a second time, by lifelines, from the published tables.

The warehouse has its own Kaplan-Meier estimate, log-rank test and Cox model. lifelines is another
program by other people: where both agree on the user's own data, a fault would have to be in both.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from warehouse.leftovers import replacing

if TYPE_CHECKING:
    import pandas

# Times that differ by rounding alone are tied in the warehouse (as in R) and are not in lifelines.
PATIENTS = """
SELECT
    grp.subset, grp.grouping, grp.group_name, grp.group_order, endpoint.endpoint,
    round(endpoint.time_days - origin.day, 6) AS time_days,
    CAST(endpoint.is_event AS INTEGER) AS is_event
FROM analysis.patient_group AS grp
INNER JOIN analysis.patient_endpoint AS endpoint USING (patient_id)
INNER JOIN staging.survival_plan AS plan USING (subset_kind, grouping)
CROSS JOIN LATERAL (
    SELECT CASE plan.clock WHEN 'landmark' THEN CAST(setting.value AS DOUBLE) ELSE 0 END AS day
    FROM meta.setting AS setting
    WHERE setting.name = 'survival.landmark_days'
) AS origin
WHERE
    endpoint.is_counted
    AND endpoint.time_days IS NOT NULL
    AND (plan.clock <> 'landmark' OR endpoint.time_days > origin.day)
ORDER BY grp.subset, grp.grouping, endpoint.endpoint, grp.group_order, patient_id
"""
NUMBERS = """
SELECT
    subset.subset, endpoint.endpoint, round(endpoint.time_days, 6) AS time_days,
    CAST(endpoint.is_event AS INTEGER) AS is_event,
    profile.* REPLACE (coalesce(profile.treatment, profile.study_id) AS treatment)
FROM analysis.patient_subset AS subset
INNER JOIN analysis.patient_endpoint AS endpoint USING (patient_id)
INNER JOIN analysis.patient_profile AS profile USING (patient_id)
WHERE endpoint.is_counted AND endpoint.time_days IS NOT NULL
ORDER BY subset.subset, endpoint.endpoint, patient_id
"""
READS = (
    "analysis.patient_group",
    "analysis.patient_subset",
    "analysis.patient_profile",
    "analysis.patient_endpoint",
    "analysis.planned_subset",
    "analysis.survival_curve",
    "analysis.survival_test",
    "analysis.survival_cox",
    "staging.cox_plan",
    "staging.survival_plan",
    "meta.setting",
)
"""Tables of the published warehouse that the comparison reads."""
KEY = ["subset", "grouping", "endpoint"]
TOLERANCE = {"survival": 1e-9, "log-rank statistic": 1e-6, "log hazard ratio": 1e-4}
"""Largest difference allowed: of a probability; relative; in standard errors. The first two are
sums of the same terms in another order; the third is where two Newton iterations stop."""


@dataclass(frozen=True)
class Difference:
    """One number, worked out twice."""

    quantity: str
    subset: str
    what: str
    """Grouping or model, and group or term."""
    endpoint: str
    published: float
    lifelines: float
    difference: float
    """In the unit of TOLERANCE."""

    @property
    def is_met(self) -> bool:
        return self.difference <= TOLERANCE[self.quantity]


def compare_survival(connection: duckdb.DuckDBPyConnection) -> list[Difference]:
    """Curves, log-rank tests and hazard ratios of the published tables beside lifelines'.

    Args:
        connection: the published warehouse, with the tables of the survival steps.
    """
    patients = connection.execute(PATIENTS).df()
    found = [*_curves(connection, patients), *_tests(connection, patients)]
    return [*found, *_group_models(connection, patients), *_number_models(connection)]


def summary(found: list[Difference]) -> list[tuple[str, int, float, float, int]]:
    """Per quantity: its name, how many were compared, the largest difference, the one allowed, and
    how many lie beyond it.
    """
    return [
        (
            quantity,
            len(these),
            max((one.difference for one in these), default=0.0),
            allowed,
            sum(not one.is_met for one in these),
        )
        for quantity, allowed in TOLERANCE.items()
        for these in [[one for one in found if one.quantity == quantity]]
    ]


def write_differences(path: Path, found: list[Difference]) -> None:
    """One CSV record per number, the largest differences first."""
    with replacing(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        names = list(Difference.__dataclass_fields__)
        writer.writerow([*names, "tolerance", "is_met"])
        for one in sorted(found, key=lambda one: -one.difference / TOLERANCE[one.quantity]):
            values = [getattr(one, name) for name in names]
            writer.writerow([*values, TOLERANCE[one.quantity], one.is_met])


def _by_key(
    patients: pandas.DataFrame, results: pandas.DataFrame
) -> Iterator[tuple[tuple[str, str, str], pandas.DataFrame, pandas.DataFrame]]:
    """Each comparison of groups that has results, with its patients."""
    groups = dict(iter(patients.groupby(KEY)))
    for key, frame in results.groupby(KEY):
        if key in groups:
            yield key, groups[key], frame


def _curves(
    connection: duckdb.DuckDBPyConnection, patients: pandas.DataFrame
) -> Iterator[Difference]:
    from lifelines import KaplanMeierFitter

    curves = connection.execute("FROM analysis.survival_curve ORDER BY ALL").df()
    for (subset, grouping, endpoint), members, published in _by_key(patients, curves):
        for name, curve in published.groupby("group_name"):
            group = members[members["group_name"] == name]
            fitted = KaplanMeierFitter().fit(group["time_days"], group["is_event"])
            theirs = fitted.survival_function_at_times(curve["time_days"].round(6)).to_numpy()
            apart = abs(curve["survival"].to_numpy() - theirs)
            worst = int(apart.argmax())
            yield Difference(
                "survival", subset, f"{grouping}: {name}", endpoint,
                float(curve["survival"].iloc[worst]), float(theirs[worst]), float(apart[worst]),
            )  # fmt: skip


def _tests(
    connection: duckdb.DuckDBPyConnection, patients: pandas.DataFrame
) -> Iterator[Difference]:
    from lifelines.statistics import multivariate_logrank_test

    tests = connection.execute(
        "FROM analysis.survival_test WHERE test = 'log-rank' AND group_a = 'all' "
        "AND statistic IS NOT NULL"
    ).df()
    for (subset, grouping, endpoint), members, published in _by_key(patients, tests):
        theirs = multivariate_logrank_test(
            members["time_days"], members["group_order"], members["is_event"]
        ).test_statistic
        ours = float(published["statistic"].iloc[0])
        apart = abs(ours - theirs) / max(abs(theirs), 1.0)
        yield Difference("log-rank statistic", subset, grouping, endpoint, ours, theirs, apart)


def _group_models(
    connection: duckdb.DuckDBPyConnection, patients: pandas.DataFrame
) -> Iterator[Difference]:
    ratios = connection.execute(
        "SELECT *, model AS grouping FROM analysis.survival_cox WHERE model = term "
        "AND log_hr IS NOT NULL ORDER BY ALL"
    ).df()
    for (subset, grouping, endpoint), members, published in _by_key(patients, ratios):
        levels = published["level"].tolist()
        used = members[members["group_name"].isin([published["reference"].iloc[0], *levels])]
        design = used[["time_days", "is_event"]].assign(
            **{f"_{k}": (used["group_name"] == level) * 1.0 for k, level in enumerate(levels)}
        )
        log_hr = _cox(design)
        for k, row in enumerate(published.itertuples(index=False)):
            yield _ratio(subset, f"{grouping}: {row.level}", endpoint, row, log_hr[f"_{k}"])


def _number_models(connection: duckdb.DuckDBPyConnection) -> Iterator[Difference]:
    patients = connection.execute(NUMBERS).df()
    ratios = connection.execute(
        "SELECT cox.*, plan.covariates FROM analysis.survival_cox AS cox "
        "INNER JOIN analysis.planned_subset AS planned USING (subset) "
        "INNER JOIN staging.cox_plan AS plan "
        "ON planned.subset_kind = plan.subset_kind AND cox.model = plan.model "
        "WHERE cox.log_hr IS NOT NULL ORDER BY ALL"
    ).df()
    for (subset, model, endpoint), published in ratios.groupby(["subset", "model", "endpoint"]):
        covariates = published["covariates"].iloc[0].split()
        stratum = published["stratum"].iloc[0]
        strata = [stratum] if isinstance(stratum, str) else []
        chosen = patients[(patients["subset"] == subset) & (patients["endpoint"] == endpoint)]
        design = chosen[["time_days", "is_event", *covariates, *strata]].dropna(subset=covariates)
        units = dict(zip(published["term"], published["unit"], strict=True))
        for name in covariates:
            design[name] = design[name] / units.get(name, 1.0)
        log_hr = _cox(design, strata)
        for row in published.itertuples(index=False):
            yield _ratio(subset, f"{model}: {row.term}", endpoint, row, log_hr[row.term])


def _cox(design: pandas.DataFrame, strata: list[str] | None = None) -> dict[str, float]:
    from lifelines import CoxPHFitter

    fitted = CoxPHFitter().fit(
        design, "time_days", "is_event", strata=strata or None, fit_options={"precision": 1e-12}
    )
    return {str(name): float(value) for name, value in fitted.params_.items()}


def _ratio(subset: str, what: str, endpoint: str, row: Any, theirs: float) -> Difference:
    apart = abs(row.log_hr - theirs) / row.standard_error
    return Difference(
        "log hazard ratio", subset, what, endpoint, float(row.log_hr), theirs,
        math.inf if math.isnan(apart) else float(apart),
    )  # fmt: skip

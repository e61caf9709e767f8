"""Patients by the phenotypes of their organs, and how long they live."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from flows.steps.hazards.hazard_tables import PATIENT_PHENOTYPE, PHENOTYPE_SURVIVAL
from flows.steps.hazards.parts.rows import finite_table
from flows.steps.survival.survival import confidence_level
from udfs.hazards import QUADRANTS
from udfs.survival import kaplan_meier, log_rank
from warehouse.registry import StepContext
from warehouse.result_tables import result_table

PATIENTS = """
SELECT
    patient.patient_id,
    max(endpoint.time_days) FILTER (endpoint.endpoint = 'OS') AS os_days,
    bool_or(endpoint.is_event) FILTER (endpoint.endpoint = 'OS') AS os_event,
    max(endpoint.time_days) FILTER (endpoint.endpoint = 'PFS') AS pfs_days,
    bool_or(endpoint.is_event) FILTER (endpoint.endpoint = 'PFS') AS pfs_event
FROM core.patient AS patient
INNER JOIN analysis.patient_endpoint AS endpoint ON patient.patient_id = endpoint.patient_id
WHERE patient.is_analysed AND endpoint.is_counted
GROUP BY patient.patient_id
ORDER BY patient.patient_id
"""
FLAGS = {name: f"has_{name.replace('-', '_')}" for name in QUADRANTS}
ONLY = "is_high_low_only"
GROUPINGS = {**{f"any {name}": flag for name, flag in FLAGS.items()}, "only high-low": ONLY}


def patient_phenotypes(lesions: pd.DataFrame, phenotypes: pa.Table) -> pa.Table:
    """Patients with a target or non-target lesion, by comparator."""
    assigned = phenotypes.to_pandas()
    assigned = assigned[(assigned["stratum"] == "all") & assigned["is_assigned"]]
    organs = lesions[(lesions["patient"] >= 0) & (lesions["lesion_type"] != "new")]
    organs = organs[["patient_id", "organ"]].drop_duplicates()
    rows: list[pd.DataFrame] = []
    for comparator in sorted(assigned["comparator"].unique()):
        by_organ = assigned[assigned["comparator"] == comparator].set_index("organ")["phenotype"]
        each = organs.assign(phenotype=organs["organ"].map(by_organ))
        group = each.groupby("patient_id", sort=True)
        frame = pd.DataFrame(
            {
                "comparator": comparator,
                "n_organs": group.size(),
                "n_organs_assigned": group["phenotype"].count(),
            }
        )
        for name, flag in FLAGS.items():
            frame[flag] = (each["phenotype"] == name).groupby(each["patient_id"]).any()
        n_high_low = (each["phenotype"] == "high-low").groupby(each["patient_id"]).sum()
        frame[ONLY] = n_high_low == frame["n_organs"]
        rows.append(frame.reset_index())
    if not rows:
        return result_table(PATIENT_PHENOTYPE)
    whole = pd.concat(rows, ignore_index=True)
    return result_table(PATIENT_PHENOTYPE, {name: whole[name] for name in whole})


def phenotype_survival(context: StepContext, members: pa.Table) -> pa.Table:
    """Medians and log-rank tests of each grouping that has patients on both sides."""
    confidence, interval = confidence_level(context), context.setting("survival.interval")
    known = members.to_pandas().merge(context.frame(PATIENTS), on="patient_id")
    rows: list[dict[str, Any]] = []
    for comparator in sorted(known["comparator"].unique()):
        of_one = known[known["comparator"] == comparator]
        for endpoint in ("os", "pfs"):
            days = of_one[f"{endpoint}_days"]
            here = of_one[(days >= 0) & of_one[f"{endpoint}_event"].notna()]
            time = here[f"{endpoint}_days"].to_numpy(dtype=float)
            event = here[f"{endpoint}_event"].to_numpy(dtype=bool)
            for grouping, flag in GROUPINGS.items():
                is_in = here[flag].to_numpy(dtype=bool)
                if not is_in.any() or is_in.all():
                    continue
                head = {
                    "comparator": comparator,
                    "grouping": grouping,
                    "endpoint": endpoint.upper(),
                }
                compared = _compared(time, event, is_in, confidence, interval)
                rows += [{**head, **row} for row in compared]
    return finite_table(PHENOTYPE_SURVIVAL, rows)


def _compared(
    time: np.ndarray, event: np.ndarray, is_in: np.ndarray, confidence: float, interval: Any
) -> list[dict[str, Any]]:
    test = log_rank(time, event, is_in)
    rows = []
    for name, chosen in (("yes", is_in), ("the rest", ~is_in)):
        curve = kaplan_meier(time[chosen], event[chosen], confidence=confidence, interval=interval)
        median = curve.median
        rows.append(
            {
                "group_name": name,
                "n_patients": int(chosen.sum()),
                "n_events": int(event[chosen].sum()),
                "median_days": median.days,
                "median_lower": median.lower,
                "median_upper": median.upper,
                "chi2": test.statistic,
                "p_value": test.p_value,
            }
        )
    return rows

"""What clusters of progression mean: survival, intervals, treatments, patients (Fig. 4 and 5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from flows.steps.heterogeneity.group_comparison import (
    Comparison,
    comparison_summaries,
    comparison_tests,
)
from flows.steps.survival.survival import (
    Analysis,
    confidence_level,
    curve_columns,
    log_rank_rows,
    summary_row,
)
from flows.steps.survival.survival_cox import group_rows
from warehouse.declarations import declared
from warehouse.registry import StepContext, step

if TYPE_CHECKING:
    import pandas as pd

CURVE = declared("analysis.progression_survival_curve")
SUMMARY = declared("analysis.progression_survival_summary")
TEST = declared("analysis.progression_survival_test")
COX = declared("analysis.progression_survival_cox")
COMPARISON = declared("analysis.progression_comparison")
INTERVAL = declared("analysis.progression_interval")
PROPORTION = declared("analysis.progression_proportion")
PLACE = declared("analysis.progression_place")
ASSOCIATION = declared("analysis.progression_association")
CHARACTERISTIC = declared("analysis.progression_characteristic")
TABLES = (
    CURVE,
    SUMMARY,
    TEST,
    COX,
    COMPARISON,
    INTERVAL,
    PROPORTION,
    PLACE,
    ASSOCIATION,
    CHARACTERISTIC,
)


MEMBERS = """
SELECT patient_id, subset, cluster, cluster_name
FROM analysis.progression_cluster
ORDER BY subset, patient_id
"""
LANDMARKS = """
SELECT patient_id, subset, landmark_days, first_organ, n_progressive_organs, cluster, cluster_name,
    days_after, is_death
FROM analysis.progression_landmark
ORDER BY subset, landmark_days, patient_id
"""
INTERVALS = (
    "first_days",
    "second_interval_days",
    "third_interval_days",
    "fourth_interval_days",
    "mean_interval_days",
    "mean_time_days",
)


@dataclass(frozen=True)
class _Found:
    """What all tables are made from."""

    members: pd.DataFrame
    """Patients of every subset with their clusters, survival and intervals."""
    sequences: pd.DataFrame
    landmark: pd.DataFrame
    baseline: pd.DataFrame
    display: dict[str, str]


@step(
    name="progression_meaning",
    reads=(
        "analysis.progression_cluster",
        "analysis.progression_landmark",
        "analysis.progression_sequence",
        "analysis.progression_patient",
        "analysis.baseline_feature",
        "core.patient",
        "core.study",
        "core.organ",
    ),
    writes=TABLES,
    settings=(
        "rules.rule_set",
        "progression.event_source",
        "survival.confidence",
        "survival.interval",
        "comparisons.correction",
    ),
)
def progression_meaning(context: StepContext) -> dict[str, pa.Table]:
    """Survival, intervals, proportions, places and characteristics by cluster.

    Raises:
        LesionsError: a setting is out of range.
    """
    from flows.steps.progression.parts.description import (
        associations,
        characteristics,
        places,
        proportions,
    )

    found = _read(context)
    out = _survival(context, found)
    out |= _comparisons(context, found)
    rows = {
        PROPORTION.name: proportions(found.members),
        PLACE.name: places(found.members, found.sequences),
        ASSOCIATION.name: associations(found.members, found.sequences, context.seed),
        CHARACTERISTIC.name: characteristics(found.members, found.baseline, context.seed),
    }
    out |= {name: context.table(name, some) for name, some in rows.items()}
    return {table.name: out[table.name] for table in TABLES}


def _read(context: StepContext) -> _Found:
    from flows.steps.progression.parts.description import BASELINE
    from flows.steps.progression.parts.read import (
        SEQUENCES,
        chosen_words,
        organ_names,
        read_patients,
    )

    patients = read_patients(context).drop(columns="subset")
    members = context.frame(MEMBERS).merge(patients, on="patient_id", how="inner")
    return _Found(
        members=members.sort_values(["subset", "patient_id"]).reset_index(drop=True),
        sequences=context.frame(SEQUENCES.format(**chosen_words(context))),
        landmark=context.frame(LANDMARKS),
        baseline=context.frame(BASELINE),
        display=organ_names(context),
    )


def _survival(context: StepContext, found: _Found) -> dict[str, pa.Table]:
    from udfs.survival import kaplan_meier, log_rank

    confidence, interval = confidence_level(context), context.setting("survival.interval")
    correction = context.setting("comparisons.correction")
    curves, summaries, tests, ratios = [], [], [], []
    for analysis in _analyses(found):
        together = log_rank(analysis.time, analysis.event, analysis.code)
        for group, name in enumerate(analysis.names):
            rows = analysis.rows(group)
            curve = kaplan_meier(
                analysis.time[rows], analysis.event[rows], confidence=confidence, interval=interval
            )
            key = {**analysis.key, "group_name": name}
            if curve.n:
                curves.append((key, curve))
            summaries.append(summary_row(key, group, analysis, curve, together))
        tests += log_rank_rows(analysis, together, correction)
        ratios += group_rows(analysis, confidence)
    return {
        CURVE.name: context.table(CURVE.name, curve_columns(curves)),
        SUMMARY.name: context.table(SUMMARY.name, summaries),
        TEST.name: context.table(TEST.name, tests),
        COX.name: context.table(COX.name, ratios),
    }


def _analyses(found: _Found) -> Iterator[Analysis]:
    from flows.steps.progression.parts.groups import from_first_dose, from_landmarks

    for subset, members in found.members.groupby("subset", sort=True):
        yield from from_first_dose(members, str(subset))
    yield from from_landmarks(found.landmark, found.display)


def _comparisons(context: StepContext, found: _Found) -> dict[str, pa.Table]:
    confidence, correction = confidence_level(context), context.setting("comparisons.correction")
    tests: list[dict[str, Any]] = []
    summaries: list[dict[str, Any]] = []
    for comparison in _compared(found.members):
        tests += comparison_tests(comparison, confidence, correction)
        summaries += comparison_summaries(comparison, confidence)
    return {
        COMPARISON.name: context.table(COMPARISON.name, tests),
        INTERVAL.name: context.table(INTERVAL.name, summaries),
    }


def _compared(members: pd.DataFrame) -> Iterator[Comparison]:
    """Intervals by cluster, and by treatment within each cluster."""
    from flows.steps.progression.parts.groups import (
        CLUSTER,
        TREATMENT,
        clusters_by_size,
        of_subset,
        treatments,
    )

    for subset, rows in members.groupby("subset", sort=True):
        progressed = rows[rows["cluster"] > 0]
        names = clusters_by_size(progressed)
        for variable in INTERVALS:
            yield _comparison(str(subset), None, variable, CLUSTER, progressed, names)
            for name in names:
                inside = progressed[progressed["cluster_name"] == name]
                part = of_subset(str(subset), name)
                order = treatments(rows)[::-1]
                yield _comparison(str(subset), part, variable, TREATMENT, inside, order)


def _comparison(
    subset: str,
    part: str | None,
    variable: str,
    grouping: str,
    rows: pd.DataFrame,
    order: list[str],
) -> Comparison:
    import numpy as np

    from flows.steps.progression.parts.groups import CLUSTER

    key: dict[str, Any] = {"subset": part or subset, "variable": variable}
    key |= {"grouping": grouping, "level": "patient", "patient_subset": subset, "organ": None}
    label = rows["cluster_name" if grouping == CLUSTER else "treatment_class"].to_numpy(object)
    value = rows[variable].to_numpy(np.float64)
    names, values, missing = [], [], []
    for name in order:
        here = label == name
        known = here & ~np.isnan(value)
        if known.any():
            names.append(name)
            values.append(value[known])
            missing.append(int((here & ~known).sum()))
    return Comparison(key, names, values, [v.size for v in values], missing)

"""Runs the models and steps of the heterogeneity analyses on a SqlKit, in their order.

with SqlKit() as kit:
    ...                                   # raw rows
    run_pipeline(kit)
    kit.rows("analysis.patient_profile", "patient_id, liver_response")
"""

from __future__ import annotations

from typing import Any

from sqlkit import SqlKit

from warehouse.build import StepRun
from warehouse.registry import Step, installed_steps
from warehouse.settings import default_values

CORE = (
    "core.study",
    "core.organ",
    "core.patient",
    "core.lesion",
    "core.measurement",
    "analysis.lesion_cutoff",
    "staging.analysis_reader",
    "staging.tumor_result",
    "analysis.endpoint_decided",
)
ORDER = (
    "response_phase",
    "gower",
    "analysis.pooled_organ",
    "organ_phase",
    "landmark_response",
    "analysis.organ_response",
    "analysis.stated_sum",
    "stated_sum_phase",
    "analysis.patient_endpoint",
    "analysis.patient_profile",
    "staging.survival_plan",
    "staging.cox_plan",
    "staging.comparison_plan",
    "staging.correlation_plan",
    "analysis.planned_subset",
    "analysis.patient_subset",
    "analysis.patient_group",
    "survival",
    "survival_rmst",
    "survival_cox",
    "survival_resample",
    "group_comparison",
    "variable_correlation",
    "mart.fig_inconsistent_patients",
    "mart.fig_inconsistent_lesions",
    "mart.fig_survival_curve",
    "mart.fig_survival_at_risk",
)


def run_pipeline(kit: SqlKit, until: str = ORDER[-1], **settings: Any) -> list[str]:
    """Builds core and everything up to and with ``until``; returns the steps' notes."""
    kit.build(*CORE)
    notes: list[str] = []
    for name in ORDER[: ORDER.index(until) + 1]:
        notes += run_node(kit, name, **settings)
    return notes


def run_node(kit: SqlKit, name: str, **settings: Any) -> list[str]:
    """Builds one model or runs one step, as the engine does; returns its notes."""
    if "." in name:
        kit.build_one(name)
        return []
    step = step_named(name)
    context = StepRun(kit.connection, step, values(**settings), lambda step, event: None)
    result = step.function(context)
    assert list(result) == [table.name for table in step.writes]
    for table in step.writes:
        columns = result[table.name]
        assert columns.column_names == list(table.columns), table.name
        kit.connection.register("columns", columns)
        kit.connection.execute(f"CREATE OR REPLACE TABLE {table.name} AS SELECT * FROM columns")
        key = ", ".join(table.key)
        repeated = f"SELECT {key} FROM {table.name} GROUP BY {key} HAVING count(*) > 1"
        assert kit.query(repeated) == [], table.name
        assert_no_nan(kit, table.name)
    return context.notes


def step_named(name: str) -> Step:
    return next(step for step in installed_steps() if step.name == name)


def values(**settings: Any) -> dict[str, Any]:
    """Settings by name, a double underscore standing for the dot."""
    return {**default_values(), **{k.replace("__", "."): v for k, v in settings.items()}}


def assert_no_nan(kit: SqlKit, table: str) -> None:
    """No number is NaN or infinite."""
    columns = kit.query(
        "SELECT column_name FROM duckdb_columns() WHERE schema_name || '.' || table_name = "
        f"'{table}' AND data_type = 'DOUBLE'"
    )
    for (column,) in columns:
        wrong = f"SELECT count(*) FROM {table} WHERE NOT isfinite({column})"
        assert kit.query(wrong) == [(0,)], f"{table}.{column}"

"""What the shipped dashboards show: charts on the measures and figure tables, and their layout."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PATIENT, LESION, MEASUREMENT = "metric_patient", "metric_lesion", "metric_measurement"


@dataclass(frozen=True)
class Chart:
    """One chart: what it shows of which table."""

    name: str
    table: str
    kind: str
    """Superset's name of the chart type."""
    metrics: tuple[str, ...]
    """Measures of the table: of mart.metric, or of FIGURE_METRICS."""
    x: str = ""
    """Column along the axis."""
    by: tuple[str, ...] = ()
    """Columns that make the series, or a table's rows."""
    sort: str = ""
    """Measure by which a table's rows are ordered, the smallest first."""
    filters: tuple[tuple[str, str, Any], ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    """Settings of the chart type."""
    description: str = ""
    width: int = 6
    """Of the twelve columns of a dashboard."""
    height: int = 50


@dataclass(frozen=True)
class Dashboard:
    """One dashboard: rows of charts."""

    slug: str
    title: str
    rows: tuple[tuple[Chart, ...], ...]


FIGURE_METRICS = {
    "metric_survival": (("survival", "Share without event", "max(survival)", ".0%"),),
    "fig_hazard_organ": (
        ("hazard_ratio", "Hazard ratio", "max(hazard_ratio)", ".2f"),
        ("ci_lower", "Lower limit", "max(ci_lower)", ".2f"),
        ("ci_upper", "Upper limit", "max(ci_upper)", ".2f"),
        ("n_events", "Events", "sum(n_events)", ",d"),
        ("n_lesions", "Lesions", "sum(n_lesions)", ",d"),
    ),
    "fig_rule_sets": (("events_percent", "Events, percent", "max(events_percent)", ".1f"),),
    "fig_consort": (
        ("place", "Order", "min(step_order)", ",d"),
        ("n_patients", "Patients", "sum(n_patients)", ",d"),
        ("n_lesions", "Lesions", "sum(n_lesions)", ",d"),
        ("n_measurements", "Measurements", "sum(n_measurements)", ",d"),
    ),
}
"""Measures of figure tables, whose rows are single numbers: the aggregate only shows them."""

_BARS = {"show_legend": True, "y_axis_format": ",.1f", "rich_tooltip": True}
_WHOLE = "From a figure table of all studies: the filters do not apply."


def _number(metric: str, table: str, name: str, number_format: str) -> Chart:
    options = {"y_axis_format": number_format, "header_font_size": 0.4}
    return Chart(name, table, "big_number_total", (metric,), options=options, width=2, height=22)


TRIALS = Dashboard(
    "lesions-trials",
    "Trials: patients and response",
    (
        (
            _number("n_patients", PATIENT, "Patients", ",d"),
            _number("n_lesions", LESION, "Lesions", ",d"),
            _number("n_measurements", MEASUREMENT, "Measurements", ",d"),
            _number("objective_response_rate", PATIENT, "Objective response rate, %", ".1f"),
            _number("disease_control_rate", PATIENT, "Disease control rate, %", ".1f"),
            _number("deaths_per_100_patient_years", PATIENT, "Deaths per 100 patient-years", ".1f"),
        ),
        (
            Chart(
                "Objective response by treatment",
                PATIENT,
                "echarts_timeseries_bar",
                ("objective_response_rate",),
                x="treatment",
                options={**_BARS, "orientation": "horizontal", "show_legend": False},
                description="CR or PR by RECIST 1.1, percent of patients with a derived response.",
            ),
            Chart(
                "Best overall response",
                PATIENT,
                "pie",
                ("n_patients",),
                by=("best_overall_response",),
                options={"label_type": "key_percent", "show_legend": True, "donut": True},
            ),
        ),
        (
            Chart(
                "Overall survival by treatment",
                "metric_survival",
                "echarts_timeseries_line",
                ("survival",),
                x="month",
                by=("group_name",),
                filters=(("subset", "==", "all"), ("grouping", "==", "treatment"),
                         ("endpoint", "==", "OS")),
                options={**_BARS, "y_axis_format": ".0%", "truncateYAxis": True,
                         "y_axis_bounds": [0, 1],
                         "x_axis_title": "months from the first dose", "x_axis_title_margin": 30},
                description=f"Kaplan-Meier estimate at the end of each month. {_WHOLE}",
            ),
            Chart(
                "Change in diameter over time",
                MEASUREMENT,
                "echarts_timeseries_line",
                ("median_change_percent",),
                x="month",
                by=("treatment_class",),
                filters=(("is_after_baseline", "==", True), ("month", ">=", 0),
                         ("month", "<=", 18)),
                options={**_BARS, "markerEnabled": True,
                         "x_axis_title": "months from the first dose", "x_axis_title_margin": 30},
                description="Median over the lesions measured in the month, percent of baseline; "
                "late months hold the lesions that were followed long.",
            ),
        ),
        (
            Chart(
                "Studies",
                PATIENT,
                "table",
                ("n_patients", "n_deaths", "deaths_per_100_patient_years",
                 "objective_response_rate", "disease_control_rate", "lesions_per_patient",
                 "median_gower_distance"),
                by=("study_id",),
                width=8,
            ),
            Chart(
                "Patients by age and sex",
                PATIENT,
                "echarts_timeseries_bar",
                ("n_patients",),
                x="age_group",
                by=("sex",),
                options={**_BARS, "y_axis_format": ",d", "stack": "Stack"},
                width=4,
            ),
        ),
        (
            Chart(
                "Who was loaded, left and was analysed",
                "fig_consort",
                "table",
                ("n_patients", "n_lesions", "n_measurements"),
                by=("step", "reason"),
                sort="place",
                description=_WHOLE,
                width=12,
                height=40,
            ),
        ),
    ),
)  # fmt: skip

LESIONS = Dashboard(
    "lesions-organs",
    "Lesions: organs, events and heterogeneity",
    (
        (
            _number("lesion_response_rate", LESION, "Lesion response rate, %", ".1f"),
            _number("lesion_progression_rate", LESION, "Lesion progression rate, %", ".1f"),
            _number("lesion_progressions_per_100_lesion_years", LESION,
                    "Progressions per 100 lesion-years", ".1f"),
            _number("consistent_lesion_share", LESION, "Lesions consistent, %", ".1f"),
            _number("inconsistent_patient_share", PATIENT, "Patients inconsistent, %", ".1f"),
            _number("median_gower_distance", PATIENT, "Median Gower distance", ".3f"),
        ),
        (
            Chart(
                "Lesions by organ and type",
                LESION,
                "echarts_timeseries_bar",
                ("n_lesions",),
                x="organ_name",
                by=("lesion_type",),
                options={**_BARS, "y_axis_format": ",d", "stack": "Stack",
                         "orientation": "horizontal"},
                height=75,
            ),
            Chart(
                "Response and progression of lesions by organ",
                LESION,
                "echarts_timeseries_bar",
                ("lesion_response_rate", "lesion_progression_rate"),
                x="organ_name",
                options={**_BARS, "orientation": "horizontal"},
                description="Percent of the lesions in which the event is called, under the "
                "selected rule set.",
                height=75,
            ),
        ),
        (
            Chart(
                "Progressions per 100 lesion-years by organ and treatment",
                LESION,
                "heatmap_v2",
                ("lesion_progressions_per_100_lesion_years",),
                x="treatment_class",
                by=("organ_name",),
                options={"linear_color_scheme": "blue_white_yellow", "normalize_across": "heatmap",
                         "show_legend": True, "show_values": True, "value_bounds": [None, None],
                         "sort_x_axis": "alpha_asc", "sort_y_axis": "alpha_asc",
                         "left_margin": "auto", "bottom_margin": "auto", "xscale_interval": -1,
                         "yscale_interval": -1, "y_axis_format": ".1f"},
                height=65,
            ),
            Chart(
                "Hazard ratios by organ",
                "fig_hazard_organ",
                "table",
                ("hazard_ratio", "ci_lower", "ci_upper", "n_events", "n_lesions"),
                by=("endpoint", "display_name"),
                filters=(("stratum", "==", "all"), ("model", "==", "final"),
                         ("comparator", "==", "reference")),
                description=f"With a random effect of the patient, against the reference organ. "
                f"{_WHOLE}",
                height=65,
            ),
        ),
        (
            Chart(
                "Gower distance by treatment",
                PATIENT,
                "echarts_timeseries_bar",
                ("median_gower_distance",),
                x="treatment",
                options={**_BARS, "y_axis_format": ".2f", "show_legend": False,
                         "orientation": "horizontal"},
                description="How unlike each other a patient's lesions respond; 0 alike.",
            ),
            Chart(
                "Events under each rule set",
                "fig_rule_sets",
                "echarts_timeseries_bar",
                ("events_percent",),
                x="title",
                by=("endpoint", "lesion_type"),
                options=_BARS,
                description=_WHOLE,
            ),
        ),
    ),
)  # fmt: skip

DASHBOARDS = (TRIALS, LESIONS)

FILTERS = (("Study", "study_id"), ("Class of treatment", "treatment_class"),
           ("Treatment", "treatment"))  # fmt: skip
"""Filters of both dashboards: columns of metric_patient that the other views have too."""

"""Values of the measures: the expressions of ``mart.metric`` over their views, cut up."""

from __future__ import annotations

import pyarrow as pa

from warehouse.declarations import declared
from warehouse.registry import StepContext, step

ALL = "all"
UNKNOWN = "unknown"

METRIC_VALUE = declared("mart.metric_value")


@step(
    name="metric_value",
    reads=(
        "mart.metric",
        "mart.metric_dimension",
        "mart.metric_patient",
        "mart.metric_lesion",
        "mart.metric_measurement",
    ),
    writes=(METRIC_VALUE,),
)
def metric_value(context: StepContext) -> dict[str, pa.Table]:
    """Computes every measure over its whole view and in the groups of each dimension."""
    metrics = context.arrow("SELECT * FROM mart.metric ORDER BY sort_order").to_pylist()
    dimensions = context.arrow(
        "SELECT view_name, dimension FROM mart.metric_dimension ORDER BY sort_order"
    ).to_pylist()
    cuts = [(view, ALL) for view in dict.fromkeys(metric["view_name"] for metric in metrics)]
    cuts += [(row["view_name"], row["dimension"]) for row in dimensions]
    rows: list[dict[str, object]] = []
    for done, (view, dimension) in enumerate(cuts):
        context.progress(done, len(cuts))
        own = [metric for metric in metrics if metric["view_name"] == view]
        rows += _cut(context, view, dimension, own)
    return {METRIC_VALUE.name: context.table(METRIC_VALUE.name, rows)}


def _cut(
    context: StepContext, view: str, dimension: str, metrics: list[dict[str, str]]
) -> list[dict[str, object]]:
    """All measures of one view, by one of its columns or, with ``all``, over all its rows."""
    group = (
        f"'{ALL}'" if dimension == ALL else f"coalesce(CAST({dimension} AS VARCHAR), '{UNKNOWN}')"
    )
    order = "group_name" if dimension == ALL else f"min({dimension}), group_name"
    values = ", ".join(
        f"CAST({metric['expression']} AS DOUBLE) AS {metric['metric']}" for metric in metrics
    )
    found = context.arrow(
        f"SELECT {group} AS group_name, count(*) AS n_rows, {values} FROM {view} "
        f"GROUP BY 1 ORDER BY {order}"
    ).to_pylist()
    return [
        {
            "metric": metric["metric"],
            "dimension": dimension,
            "group_name": row["group_name"],
            "value": row[metric["metric"]],
            "n_rows": row["n_rows"],
        }
        for metric in metrics
        for row in found
    ]

"""The files inside Superset's import: one database, dataset, chart or dashboard each."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from warehouse.errors import LesionsError
from warehouse.publishing.dashboards import FIGURE_METRICS, FILTERS, PATIENT, Chart, Dashboard
from warehouse.publishing.marts import Mart, Marts

VERSION = "1.0.0"
NAMESPACE = uuid.UUID("6f4b7c52-5d4a-4f0e-9d39-0d6a3f6f2b7e")
ROW_LIMIT = 10_000


@dataclass(frozen=True)
class Connection:
    """The database that Superset is to read."""

    name: str
    uri: str
    extra: Mapping[str, Any]


def measures_by_table(marts: Marts) -> dict[str, list[dict[str, Any]]]:
    """Measures of each table, as Superset writes them: mart.metric's own, and the figures'."""
    found: dict[str, list[dict[str, Any]]] = {}
    for view, name, title, expression, number_format, description in marts.connection.execute(
        "SELECT split_part(view_name, '.', 2), metric, title, expression, number_format, "
        "description FROM mart.metric ORDER BY sort_order"
    ).fetchall():
        found.setdefault(view, []).append(
            _measure(name, title, expression, number_format, description)
        )
    for table, shown in FIGURE_METRICS.items():
        found[table] = [_measure(*item, "As the figure table has it.") for item in shown]
    return found


def _measure(
    name: str, title: str, expression: str, number_format: str, description: str
) -> dict[str, Any]:
    return {
        "metric_name": name,
        "verbose_name": title,
        "metric_type": None,
        "expression": expression,
        "description": description,
        "d3format": number_format,
        "extra": {},
        "warning_text": None,
    }


def database_file(connection: Connection) -> dict[str, Any]:
    """The database that the datasets are of: readable in SQL Lab, never written to."""
    return {
        "database_name": connection.name,
        "sqlalchemy_uri": connection.uri,
        "cache_timeout": None,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_file_upload": False,
        "extra": {
            "metadata_params": {},
            "engine_params": {},
            "metadata_cache_timeout": {},
            "schemas_allowed_for_file_upload": [],
            "allows_virtual_table_explore": True,
            **connection.extra,
        },
        "uuid": stable_id("database", connection.name),
        "version": VERSION,
    }


def dataset_file(
    mart: Mart, measures: list[dict[str, Any]], connection: str, schema: str
) -> dict[str, Any]:
    """One table: its columns with their meaning, its measures."""
    return {
        "table_name": mart.name,
        "main_dttm_col": None,
        "description": f"{mart.description}\nGrain: {mart.grain}",
        "default_endpoint": None,
        "offset": 0,
        "cache_timeout": None,
        "catalog": None,
        "schema": schema,
        "sql": None,
        "params": None,
        "template_params": None,
        "filter_select_enabled": True,
        "fetch_values_predicate": None,
        "extra": None,
        "normalize_columns": False,
        "uuid": stable_id("dataset", connection, mart.name),
        "metrics": measures,
        "columns": [
            {
                "column_name": column.name,
                "verbose_name": None,
                "is_dttm": column.type in ("DATE", "TIMESTAMP"),
                "is_active": True,
                "type": column.type,
                "groupby": True,
                "filterable": True,
                "expression": None,
                "description": column.comment,
                "python_date_format": None,
                "extra": {},
            }
            for column in mart.columns
        ],
        "version": VERSION,
        "database_uuid": stable_id("database", connection),
    }


def chart_file(
    chart: Chart, connection: str, measures: Mapping[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """One chart, with its settings and with the query that its data come from.

    Raises:
        LesionsError: it shows a measure that its table does not have.
    """
    known = {measure["metric_name"] for measure in measures.get(chart.table, [])}
    unknown = sorted({*chart.metrics, chart.sort} - known - {""})
    if unknown:
        raise LesionsError(
            f"the chart {chart.name!r} shows {', '.join(unknown)}, which mart.metric does not "
            "define. 'lesions run' brings the measures up to date."
        )
    params = _params(chart)
    query: dict[str, Any] = {
        "datasource": {"id": 0, "type": "table"},
        "force": False,
        "queries": [_query(chart)],
        "form_data": params,
        "result_format": "json",
        "result_type": "full",
    }
    return {
        "slice_name": chart.name,
        "description": chart.description or None,
        "certified_by": None,
        "certification_details": None,
        "viz_type": chart.kind,
        "params": params,
        "query_context": json.dumps(query),
        "cache_timeout": None,
        "uuid": stable_id("chart", connection, chart.name),
        "version": VERSION,
        "dataset_uuid": stable_id("dataset", connection, chart.table),
    }


def _params(chart: Chart) -> dict[str, Any]:
    """The chart's settings, under the names that its type gives them."""
    params: dict[str, Any] = {
        "datasource": "0__table",
        "viz_type": chart.kind,
        "adhoc_filters": [
            {
                "clause": "WHERE",
                "expressionType": "SIMPLE",
                "subject": column,
                "operator": operator,
                "comparator": value,
                "filterOptionName": f"filter_{position}",
            }
            for position, (column, operator, value) in enumerate(chart.filters)
        ],
        "row_limit": ROW_LIMIT,
        **chart.options,
    }
    if chart.kind in ("big_number_total", "pie", "heatmap_v2"):
        params["metric"] = chart.metrics[0]
    else:
        params["metrics"] = list(chart.metrics)
    if chart.kind == "heatmap_v2":
        params |= {"x_axis": chart.x, "groupby": chart.by[0]}
    elif chart.kind == "table":
        params |= {"query_mode": "aggregate", "groupby": list(chart.by)}
        params |= {"timeseries_limit_metric": chart.sort, "order_desc": not chart.sort}
    else:
        params |= {"groupby": list(chart.by)}
        if chart.x:
            params |= {"x_axis": chart.x, "x_axis_sort_asc": True, "x_axis_sort": chart.x}
    return params


def _query(chart: Chart) -> dict[str, Any]:
    """What is asked of the database: the same for Superset's page and for its REST API."""
    axis = (
        [{"columnType": "BASE_AXIS", "sqlExpression": chart.x, "label": chart.x,
          "expressionType": "SQL"}]
        if chart.x
        else []
    )  # fmt: skip
    return {
        "columns": [*axis, *chart.by],
        "metrics": list(chart.metrics),
        "filters": [
            {"col": column, "op": operator, "val": value}
            for column, operator, value in chart.filters
        ],
        "orderby": _order(chart),
        "row_limit": ROW_LIMIT,
        "extras": {"having": "", "where": ""},
        "annotation_layers": [],
        "applied_time_extras": {},
        "url_params": {},
        "custom_params": {},
        "custom_form_data": {},
    }


def _order(chart: Chart) -> list[list[Any]]:
    """How the rows are ordered: [measure, ascending]."""
    if chart.sort:
        return [[chart.sort, True]]
    return [[chart.metrics[0], False]] if chart.kind in ("pie", "table") else []


def dashboard_file(dashboard: Dashboard, connection: str) -> dict[str, Any]:
    """One dashboard: its layout and its filters."""
    return {
        "dashboard_title": dashboard.title,
        "description": None,
        "css": "",
        "slug": f"{dashboard.slug}-{slug(connection)}",
        "certified_by": None,
        "certification_details": None,
        "published": True,
        "uuid": stable_id("dashboard", connection, dashboard.slug),
        "position": _position(dashboard, connection),
        "metadata": {
            "color_scheme": "supersetColors",
            "cross_filters_enabled": True,
            "refresh_frequency": 0,
            "native_filter_configuration": [
                _filter(position, name, column, connection)
                for position, (name, column) in enumerate(FILTERS)
            ],
        },
        "version": VERSION,
    }


def _filter(position: int, name: str, column: str, connection: str) -> dict[str, Any]:
    return {
        "id": f"NATIVE_FILTER-{position}",
        "name": name,
        "filterType": "filter_select",
        "type": "NATIVE_FILTER",
        "targets": [
            {"column": {"name": column}, "datasetUuid": stable_id("dataset", connection, PATIENT)}
        ],
        "controlValues": {
            "enableEmptyFilter": False,
            "defaultToFirstItem": False,
            "multiSelect": True,
            "searchAllOptions": False,
            "inverseSelection": False,
        },
        "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
        "cascadeParentIds": [],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
        "description": "",
    }


def _position(dashboard: Dashboard, connection: str) -> dict[str, Any]:
    """The layout: a grid of rows of charts."""
    rows = [f"ROW-{number}" for number in range(len(dashboard.rows))]
    position: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": rows, "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": dashboard.title}},
    }
    number = 0
    for row, charts in zip(rows, dashboard.rows, strict=True):
        children = []
        for chart in charts:
            number += 1
            name = f"CHART-{number}"
            children.append(name)
            position[name] = {
                "type": "CHART",
                "id": name,
                "children": [],
                "parents": ["ROOT_ID", "GRID_ID", row],
                "meta": {
                    "chartId": number,
                    "uuid": stable_id("chart", connection, chart.name),
                    "sliceName": chart.name,
                    "width": chart.width,
                    "height": chart.height,
                },
            }
        position[row] = {
            "type": "ROW",
            "id": row,
            "children": children,
            "parents": ["ROOT_ID", "GRID_ID"],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
    return position


def stable_id(*words: str) -> str:
    """A UUID that follows from the words."""
    return str(uuid.uuid5(NAMESPACE, "/".join(words)))


def slug(text: str) -> str:
    """A text as a file name."""
    return "_".join("".join(c if c.isalnum() else " " for c in text.lower()).split())

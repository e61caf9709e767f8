"""Apache Superset's own import file: database, datasets with the measures, charts, dashboards.

Format: the ZIP of YAML files that Superset 6.1 exports and imports (version 1.0.0). Ids follow from
names, so that a second import replaces and does not double.
"""

from __future__ import annotations

import json
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from warehouse.errors import LesionsError
from warehouse.project import Project
from warehouse.publishing.dashboards import (
    DASHBOARDS,
    FIGURE_METRICS,
    FILTERS,
    PATIENT,
    Chart,
    Dashboard,
)
from warehouse.publishing.marts import SCHEMA, Mart, Marts, open_marts

ROOT = "lesions_dashboards"
VERSION = "1.0.0"
NAMESPACE = uuid.UUID("6f4b7c52-5d4a-4f0e-9d39-0d6a3f6f2b7e")
MASK = "XXXXXXXXXX"
"""What Superset writes for a password, and then asks for at the import."""
ROW_LIMIT = 10_000


@dataclass(frozen=True)
class Connection:
    """The database that Superset is to read."""

    name: str
    uri: str
    extra: Mapping[str, Any]


def duckdb_connection(name: str, file: Path) -> Connection:
    """The published file, opened read-only and without access to other files."""
    engine = {
        "connect_args": {"read_only": True, "config": {"enable_external_access": "false"}},
    }
    return Connection(name, f"duckdb:///{file.absolute()}", {"engine_params": engine})


def postgres_connection(name: str, url: str) -> Connection:
    """A PostgreSQL mirror; a password is left out, and Superset asks for it.

    Raises:
        LesionsError: not a PostgreSQL URL.
    """
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise LesionsError("the port of the PostgreSQL URL is not a number.") from error
    if parts.scheme not in ("postgresql", "postgres") or not parts.hostname:
        raise LesionsError("a PostgreSQL mirror is named as postgresql://user@host:port/database.")
    user = parts.username or ""
    secret = f":{MASK}" if parts.password else ""
    login = f"{user}{secret}@" if user else ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    uri = f"postgresql+psycopg2://{login}{host}{port}{parts.path}"
    return Connection(name, uri, {})


def write_superset(published: Path, connection: Connection, target: Path, schema: str) -> int:
    """Writes the import file; returns the number of charts.

    Args:
        published: the published warehouse, whose tables and measures are described.
        connection: what Superset connects to.
        target: the ZIP to write; replaced as a whole.
        schema: schema of the marts there.

    Raises:
        LesionsError: no warehouse, a table of a chart is missing, the file cannot be written.
    """
    with open_marts(published) as marts:
        files = _files(marts, connection, schema)
    beside = target.with_name(target.name + ".writing")
    try:
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                info = zipfile.ZipInfo(f"{ROOT}/{name}", (1980, 1, 1, 0, 0, 0))
                info.compress_type = zipfile.ZIP_DEFLATED
                text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
                archive.writestr(info, text)
        beside.replace(target)
    except OSError as error:
        raise LesionsError(f"{target} cannot be written: {error.strerror}.") from error
    return sum(name.startswith("charts/") for name in files)


def dashboards_for(
    project: Project, target: Path, postgres: str | None, schema: str, seen_as: Path | None
) -> str:
    """Writes the dashboards of a project; says where, and how to import them.

    Args:
        project: the project.
        target: the ZIP to write.
        postgres: URL of a mirror; the published file where None.
        schema: schema of the mirror; the file's is always ``mart``.
        seen_as: path of the published file where Superset runs.

    Raises:
        LesionsError: see ``write_superset`` and ``postgres_connection``.
    """
    if postgres:
        connection = postgres_connection(f"{project.root.name} (PostgreSQL)", postgres)
    else:
        connection = duckdb_connection(project.root.name, seen_as or project.published)
        schema = SCHEMA
    n_charts = write_superset(project.published, connection, target, schema)
    asks = " Superset asks for the password." if MASK in connection.uri else ""
    return (
        f"Wrote {target}: {len(DASHBOARDS)} dashboards, {n_charts} charts on {connection.uri}. "
        f"In Superset: Dashboards, import.{asks}"
    )


def _files(marts: Marts, connection: Connection, schema: str) -> dict[str, dict[str, Any]]:
    """Content of each file of the ZIP, by its path below the root."""
    charts = {
        chart.name: chart for dashboard in DASHBOARDS for row in dashboard.rows for chart in row
    }
    tables = {mart.name: mart for mart in marts.tables}
    used = sorted({chart.table for chart in charts.values()})
    missing = [table for table in used if table not in tables]
    if missing:
        raise LesionsError(
            f"the published warehouse has no {', '.join(f'{SCHEMA}.{t}' for t in missing)}, which "
            "the dashboards show. 'lesions run' brings it up to date."
        )
    measures = _measures(marts)
    key = connection.name
    return {
        "metadata.yaml": {
            "version": VERSION,
            "type": "Dashboard",
            "timestamp": f"{marts.finished_at}+00:00",
        },
        f"databases/{_slug(key)}.yaml": _database(connection),
        **{
            f"datasets/{_slug(key)}/{table}.yaml": _dataset(
                tables[table], measures.get(table, []), key, schema
            )
            for table in used
        },
        **{
            f"charts/{_slug(chart.name)}.yaml": _chart(chart, key, measures)
            for chart in charts.values()
        },
        **{f"dashboards/{d.slug}.yaml": _dashboard(d, key) for d in DASHBOARDS},
    }


def _measures(marts: Marts) -> dict[str, list[dict[str, Any]]]:
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


def _database(connection: Connection) -> dict[str, Any]:
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
        "uuid": _id("database", connection.name),
        "version": VERSION,
    }


def _dataset(
    mart: Mart, measures: list[dict[str, Any]], connection: str, schema: str
) -> dict[str, Any]:
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
        "uuid": _id("dataset", connection, mart.name),
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
        "database_uuid": _id("database", connection),
    }


def _chart(
    chart: Chart, connection: str, measures: Mapping[str, list[dict[str, Any]]]
) -> dict[str, Any]:
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
        "uuid": _id("chart", connection, chart.name),
        "version": VERSION,
        "dataset_uuid": _id("dataset", connection, chart.table),
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


def _dashboard(dashboard: Dashboard, connection: str) -> dict[str, Any]:
    return {
        "dashboard_title": dashboard.title,
        "description": None,
        "css": "",
        "slug": f"{dashboard.slug}-{_slug(connection)}",
        "certified_by": None,
        "certification_details": None,
        "published": True,
        "uuid": _id("dashboard", connection, dashboard.slug),
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
            {"column": {"name": column}, "datasetUuid": _id("dataset", connection, PATIENT)}
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
                    "uuid": _id("chart", connection, chart.name),
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


def _id(*words: str) -> str:
    """A UUID that follows from the words."""
    return str(uuid.uuid5(NAMESPACE, "/".join(words)))


def _slug(text: str) -> str:
    """A text as a file name."""
    return "_".join("".join(c if c.isalnum() else " " for c in text.lower()).split())

"""Apache Superset's own import file: database, datasets with the measures, charts, dashboards.

Format: the ZIP of YAML files that Superset 6.1 exports and imports (version 1.0.0). Ids follow from
names, so that a second import replaces and does not double.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import yaml

from warehouse.errors import LesionsError
from warehouse.leftovers import replacing
from warehouse.project import Project
from warehouse.publishing.dashboards import DASHBOARDS
from warehouse.publishing.marts import SCHEMA, Marts, open_marts
from warehouse.publishing.superset_files import (
    VERSION,
    Connection,
    chart_file,
    dashboard_file,
    database_file,
    dataset_file,
    measures_by_table,
    slug,
)

ROOT = "lesions_dashboards"
MASK = "XXXXXXXXXX"
"""What Superset writes for a password, and then asks for at the import."""


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
    try:
        with (
            replacing(target) as beside,
            zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for name, content in files.items():
                info = zipfile.ZipInfo(f"{ROOT}/{name}", (1980, 1, 1, 0, 0, 0))
                info.compress_type = zipfile.ZIP_DEFLATED
                text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
                archive.writestr(info, text)
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
    measures = measures_by_table(marts)
    key = connection.name
    return {
        "metadata.yaml": {
            "version": VERSION,
            "type": "Dashboard",
            "timestamp": f"{marts.finished_at}+00:00",
        },
        f"databases/{slug(key)}.yaml": database_file(connection),
        **{
            f"datasets/{slug(key)}/{table}.yaml": dataset_file(
                tables[table], measures.get(table, []), key, schema
            )
            for table in used
        },
        **{
            f"charts/{slug(chart.name)}.yaml": chart_file(chart, key, measures)
            for chart in charts.values()
        },
        **{f"dashboards/{d.slug}.yaml": dashboard_file(d, key) for d in DASHBOARDS},
    }

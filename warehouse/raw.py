"""The raw tables: their declared columns, and making them from the loaded studies."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import duckdb

from warehouse.registry import TableDoc
from warehouse.sources import manifest as manifests
from warehouse.sources.domains import (
    DOMAIN_COLUMNS,
    DOMAIN_TITLES,
    PROVENANCE,
    STUDY_COLUMNS,
    STUDY_TITLES,
)
from warehouse.sources.wording import identifier, literal

DOMAINS: tuple[str, ...] = tuple(DOMAIN_COLUMNS)
STUDY_TABLES: tuple[str, ...] = tuple(STUDY_COLUMNS)

# Table -> column -> SQL type, in the order of the columns.
RAW_TABLES: dict[str, dict[str, str]] = {
    **{
        table: {
            **dict.fromkeys(columns, "VARCHAR"),
            **{name: kind for name, (kind, _) in PROVENANCE.items()},
        }
        for table, columns in DOMAIN_COLUMNS.items()
    },
    **{
        table: {name: kind for name, (kind, _) in columns.items()}
        for table, columns in STUDY_COLUMNS.items()
    },
}

# Table -> what it holds, with its grain.
RAW_COMMENTS: dict[str, str] = {
    **{
        table: f"{title} One row per record of the source."
        for table, title in DOMAIN_TITLES.items()
    },
    **STUDY_TITLES,
}

# Table -> column -> what it means.
RAW_COLUMN_COMMENTS: dict[str, dict[str, str]] = {
    **{
        table: {**columns, **{name: comment for name, (_, comment) in PROVENANCE.items()}}
        for table, columns in DOMAIN_COLUMNS.items()
    },
    **{
        table: {name: comment for name, (_, comment) in columns.items()}
        for table, columns in STUDY_COLUMNS.items()
    },
}

_PLACE = "_place"
"""Place of a row in its Parquet file."""

# Order of rows: that of the sources.
_ORDER = {
    **dict.fromkeys(DOMAIN_COLUMNS, "_study_id, _source_file, _source_row"),
    "study": "study_id",
    "study_reader": "study_id, priority",
    "study_arm": "study_id, arm",
    "study_site": "study_id, site_raw",
    "study_test_code": "study_id, test_code",
    **dict.fromkeys(("load_audit", "derivation", "reject", "join_audit"), "study_id, source_file"),
}


def raw_table_docs() -> list[TableDoc]:
    """What each raw table is, for the graph and the database's comments."""
    return [
        TableDoc(
            name=f"raw.{table}",
            description=RAW_COMMENTS[table],
            grain="one row per record of the source",
            key=(),
            columns=RAW_COLUMN_COMMENTS[table],
        )
        for table in RAW_TABLES
    ]


def raw_fingerprint(raw_dir: Path, table: str) -> str:
    """Fingerprint of a raw table: of its declared columns, and of the studies that fill it."""
    return fingerprint_of(manifests.loaded_studies(raw_dir), table)


def fingerprint_of(studies: Mapping[str, Mapping[str, Any]], table: str) -> str:
    """The same from the studies' manifests, by study id."""
    parts = []
    for study_id, manifest in sorted(studies.items()):
        if table in DOMAIN_COLUMNS:
            part = manifest["domains"].get(table)
        elif table in ("load_audit", "derivation", "reject", "join_audit"):
            part = manifests.digest(manifest["domains"])
        else:
            part = manifest["study_tables"]
        if part is not None:
            parts.append((study_id, part))
    return manifests.digest(manifests.table_shape(table), parts)


def build_raw_table(cursor: duckdb.DuckDBPyConnection, raw_dir: Path, table: str) -> int:
    """Makes ``raw.<table>`` from the loaded studies.

    Args:
        cursor: of a database that can be written; the schema ``raw`` is made when absent.
        raw_dir: folder of the loaded studies.
        table: a name of RAW_TABLES.

    Returns:
        Number of rows.

    Raises:
        LesionsError: a loaded file is not as it was written.
    """
    query = raw_query(cursor, raw_dir, table)
    cursor.execute("CREATE SCHEMA IF NOT EXISTS raw")
    cursor.execute(f"CREATE OR REPLACE TABLE raw.{identifier(table)} AS {query}")
    # All rows are fetched: a result left half read would block the caller's next statement.
    counted = cursor.execute(f"SELECT count(*) FROM raw.{identifier(table)}").fetchall()
    return int(counted[0][0])


def raw_query(cursor: duckdb.DuckDBPyConnection, raw_dir: Path, table: str) -> str:
    """The query whose rows ``raw.<table>`` is to have, from the loaded studies.

    Every declared column is there whatever the studies hold. Columns of the sources that are not
    declared stand between the declared ones and the provenance, sorted by name. Rows are in the
    order of study, file and record, and as they were loaded where a file was mapped twice.

    Args:
        cursor: of any database.
        raw_dir: folder of the loaded studies.
        table: a name of RAW_TABLES.

    Raises:
        LesionsError: a loaded file is not as it was written.
    """
    files: dict[str, Path] = {}
    for study_id, manifest in manifests.loaded_studies(raw_dir).items():
        file = raw_dir / study_id / f"{table}.parquet"
        if file.is_file():
            manifests.check_part(file, manifest)
            files[study_id] = file
    present = {study_id: _columns(cursor, file) for study_id, file in files.items()}
    columns = _table_columns(table, set().union(*present.values()) if present else set())
    empty = ", ".join(
        f"CAST(NULL AS {kind}) AS {identifier(name)}" for name, kind in columns.items()
    )
    selects = [f"SELECT {empty}, CAST(0 AS BIGINT) AS {_PLACE} WHERE false"]
    for study_id, file in files.items():
        cells = ", ".join(
            f"CAST({identifier(name) if name in present[study_id] else 'NULL'} AS {kind}) "
            f"AS {identifier(name)}"
            for name, kind in columns.items()
        )
        selects.append(
            f"SELECT {cells}, file_row_number AS {_PLACE} "
            f"FROM read_parquet({literal(str(file))}, file_row_number = true)"
        )
    return (
        f"SELECT * EXCLUDE ({_PLACE}) FROM ({' UNION ALL '.join(selects)}) "
        f"ORDER BY {_ORDER[table]}, {_PLACE}"
    )


def remove_unlisted(raw_dir: Path, study_ids: Collection[str]) -> list[str]:
    """Removes loaded studies whose id is not in ``study_ids``; the ids removed."""
    removed = [name for name in manifests.loaded_studies(raw_dir) if name not in study_ids]
    for name in removed:
        shutil.rmtree(raw_dir / name)
    return removed


def _columns(cursor: duckdb.DuckDBPyConnection, file: Path) -> set[str]:
    described = cursor.execute(
        f"DESCRIBE SELECT * FROM read_parquet({literal(str(file))})"
    ).fetchall()
    return {str(row[0]) for row in described}


def _table_columns(table: str, present: set[str]) -> dict[str, str]:
    declared = RAW_TABLES[table]
    extra = sorted(present - set(declared))
    if table not in DOMAIN_COLUMNS or not extra:
        return declared
    domain = {name: kind for name, kind in declared.items() if name not in PROVENANCE}
    provenance = {name: kind for name, kind in declared.items() if name in PROVENANCE}
    return {**domain, **dict.fromkeys(extra, "VARCHAR"), **provenance}

"""What to type where, to connect a tool to the published file or to a mirror of its marts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from warehouse.errors import LesionsError

UNTESTED = "untested: no driver was at hand"


@dataclass(frozen=True)
class Way:
    """One tool, and what it wants to be told."""

    tool: str
    text: str
    note: str = ""


def file_ways(file: Path) -> Iterator[Way]:
    """How to open the published file; every way opens it read-only."""
    path = str(file.absolute())
    yield Way("lesions", f'lesions query -C {path_word(file.parent)} "SELECT ..."')
    yield Way(
        "Python",
        "from warehouse import open_warehouse\n"
        f"warehouse = open_warehouse({str(file.parent.absolute())!r})\n"
        "warehouse.frame(\"FROM mart.metric_value WHERE dimension = 'all'\")",
    )
    yield Way(
        "Python, DuckDB alone",
        f"duckdb.connect({path!r}, read_only=True)",
        "duckdb 1.5 or newer",
    )
    yield Way(
        "SQLAlchemy, pandas",
        f"create_engine({'duckdb:///' + path!r}, connect_args={{'read_only': True}})",
        "pip install duckdb-sqlalchemy==1.5.6.4 (or, with SQLAlchemy up to 2.0.54, "
        "duckdb-engine==0.17.0)",
    )
    yield Way("DuckDB shell", f"duckdb -readonly {path_word(file)}", "DuckDB 1.5 or newer")
    yield Way(
        "R",
        f"DBI::dbConnect(duckdb::duckdb(), dbdir = {json.dumps(path, ensure_ascii=False)}, "
        "read_only = TRUE)",
        UNTESTED,
    )
    yield Way(
        "DBeaver",
        f"Database > New connection > DuckDB, Path: {path}\n"
        "Driver properties: duckdb.read_only = true",
        UNTESTED,
    )
    yield Way("JDBC", f"jdbc:duckdb:{path}", f"property duckdb.read_only = true; {UNTESTED}")
    yield Way("ODBC", f"Driver={{DuckDB Driver}};Database={path};access_mode=READ_ONLY;", UNTESTED)
    yield Way(
        "Apache Superset",
        "lesions connect --superset lesions.zip",
        "then import the ZIP under Dashboards",
    )


def mirror_ways(url: str, schema: str) -> Iterator[Way]:
    """How to open a PostgreSQL mirror; a password in the URL is left out everywhere.

    Raises:
        LesionsError: not a PostgreSQL URL.
    """
    parts = urlsplit(url)
    try:
        port = parts.port or 5432
    except ValueError as error:
        raise LesionsError("the port of the PostgreSQL URL is not a number.") from error
    database = unquote(parts.path.lstrip("/"))
    if parts.scheme not in ("postgresql", "postgres") or not parts.hostname or not database:
        raise LesionsError("a PostgreSQL mirror is named as postgresql://user@host:port/database.")
    user = parts.username or "USER"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = f"{user}@{host}:{port}{parts.path}"
    named = unquote(user)
    yield Way("psql", f"psql postgresql://{place}", f"tables are in the schema {schema}")
    yield Way("Python", f'psycopg.connect("postgresql://{place}")', "pip install 'psycopg[binary]'")
    yield Way(
        "SQLAlchemy, pandas",
        f'create_engine("postgresql+psycopg://{place}")',
        "password from PGPASSWORD or ~/.pgpass",
    )
    yield Way(
        "R",
        f'DBI::dbConnect(RPostgres::Postgres(), host = "{parts.hostname}", port = {port}, '
        f'dbname = "{database}", user = "{named}")',
        UNTESTED,
    )
    yield Way(
        "DBeaver, Tableau, Power BI",
        f"PostgreSQL, host {parts.hostname}, port {port}, database {database}, user {named}, "
        f"schema {schema}",
        UNTESTED,
    )
    yield Way(
        "JDBC",
        f"jdbc:postgresql://{host}:{port}{parts.path}?user={user}&currentSchema={schema}",
        UNTESTED,
    )
    yield Way(
        "ODBC",
        f"Driver={{PostgreSQL Unicode}};Server={parts.hostname};Port={port};"
        f"Database={database};Uid={named};ReadOnly=1;",
        UNTESTED,
    )


def print_ways(file: Path, postgres: str | None, schema: str) -> None:
    """Prints every way to connect; lines are not wrapped, so that they can be copied."""
    from warehouse.display import console

    mirror = list(mirror_ways(postgres, schema)) if postgres else []
    out = console()
    state = "" if file.is_file() else " (not there yet: 'lesions run' makes it)"
    groups = [(f"The published file {file.absolute()}{state}", list(file_ways(file)))]
    if postgres:
        groups.append(("The PostgreSQL mirror", mirror))
    for title, ways in groups:
        out.print(title, style="bold", soft_wrap=True)
        for way in ways:
            note = f"  ({way.note})" if way.note else ""
            out.print(f"\n  {way.tool}{note}", soft_wrap=True)
            for line in way.text.splitlines():
                out.print(f"    {line}", soft_wrap=True)
        out.print()


def path_word(path: Path) -> str:
    """A path as one word of a shell command."""
    import shlex

    return shlex.quote(str(path.absolute()))

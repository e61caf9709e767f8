"""PostgreSQL's words: types, quoting, what its catalogue says, and URLs without passwords."""

from __future__ import annotations

import re
from urllib.parse import unquote

from warehouse.publishing.marts import Mart

TYPES = {
    "VARCHAR": "text",
    "BOOLEAN": "boolean",
    "TINYINT": "smallint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "HUGEINT": "numeric(38,0)",
    "UTINYINT": "smallint",
    "USMALLINT": "integer",
    "UINTEGER": "bigint",
    "UBIGINT": "numeric(20,0)",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "DATE": "date",
    "TIMESTAMP": "timestamp without time zone",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
}
"""PostgreSQL's type of each DuckDB type, as format_type writes it; any other is kept as text."""

LARGE_OBJECT_FUNCTIONS = """
SELECT oid::regprocedure::text FROM pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace
    AND proname IN ('lo_create', 'lo_creat', 'lo_from_bytea', 'lo_put', 'lo_open', 'lowrite',
        'lo_unlink', 'lo_truncate', 'lo_truncate64', 'lo_import')
ORDER BY 1
"""

SIGNATURES = """
SELECT
    c.relname,
    c.relkind::text,
    coalesce(array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attnum > 0), '{}'),
    coalesce(
        array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum)
            FILTER (WHERE a.attnum > 0), '{}'
    ),
    coalesce((
        SELECT array_agg(k.attname::text ORDER BY array_position(i.indkey::int2[], k.attnum))
        FROM pg_index AS i
        JOIN pg_attribute AS k ON k.attrelid = c.oid AND k.attnum = ANY (i.indkey)
        WHERE i.indrelid = c.oid AND i.indisprimary
    ), '{}')
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND NOT a.attisdropped
WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
GROUP BY c.oid, c.relname, c.relkind
"""


Signature = tuple[str, tuple[tuple[str, str], ...], tuple[str, ...]]
"""Kind of a relation, its columns with their types, and its primary key."""


def signature(mart: Mart) -> Signature:
    """What a mart's table must look like in PostgreSQL to take new rows as it stands."""
    columns = tuple((c.name, postgres_type(c.type)) for c in mart.columns)
    return ("r", columns, mart.key)


def fits(there: Signature | None, mart: Mart, *, any_order: bool) -> bool:
    """Whether a mart's rows can go into the relation that is there.

    Args:
        there: what is there; nothing where the mart is new.
        mart: the mart.
        any_order: its columns may stand in another order, as those of an altered table do.
    """
    kind, columns, key = signature(mart)
    if there is None or not any_order:
        return there == (kind, columns, key)
    return (there[0], sorted(there[1]), there[2]) == (kind, sorted(columns), key)


def postgres_type(duckdb_type: str) -> str:
    """PostgreSQL's type for a DuckDB type, as ``format_type`` writes it."""
    if duckdb_type.startswith("DECIMAL"):
        return "numeric" + duckdb_type.removeprefix("DECIMAL").replace(" ", "")
    return TYPES.get(duckdb_type, "text")


def literal(text: str) -> str:
    """A text as a SQL string literal, whatever ``standard_conforming_strings`` says."""
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"E'{escaped}'" if "\\" in text else f"'{escaped}'"


def without_password(url: str) -> str:
    """A connection URL with its password left out."""
    url = re.sub(r"(?<=//)([^/@:]*):.*@", r"\1@", url)
    return re.sub(r"([?&]password=)[^&]*", r"\1...", url)


def scrub(message: str, url: str) -> str:
    """A driver's message, should it repeat the password, without it."""
    found = re.search(r"//[^/@:]*:(.*)@", url)
    given = re.search(r"[?&]password=([^&]*)", url)
    for match in (found, given):
        if match and match.group(1):
            for secret in (match.group(1), unquote(match.group(1))):
                message = message.replace(secret, "...")
    return message

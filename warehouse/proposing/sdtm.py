"""Tables whose columns are SDTM's: their domain by their variables, whatever the file is called."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from warehouse.proposing.files import Table
from warehouse.proposing.proposal import Entry, Proposal
from warehouse.sources.domains import DOMAIN_COLUMNS, REQUIRED
from warehouse.sources.formats import data_stem
from warehouse.sources.spec import ReadOptions
from warehouse.sources.wording import identifier

_OWN = 3
"""Variables of the domain itself that tell it."""


@dataclass(frozen=True)
class SdtmTable:
    """A table and its domain; None where it is SDTM's but no table of the warehouse needs it."""

    table: Table
    domain: str | None
    why: str


def sdtm_table(connection: duckdb.DuckDBPyConnection, table: Table) -> SdtmTable | None:
    """The domain of a table of SDTM or ADTTE; None where it is neither."""
    columns = {name.lower() for name in table.stage.columns}
    if "usubjid" not in columns:
        return None
    stated = _single(connection, table, "domain", columns)
    related = _single(connection, table, "rdomain", columns)
    if "qnam" in columns and related is not None:
        domain = f"supp{related.lower()}"
        known = domain if domain in DOMAIN_COLUMNS else None
        return SdtmTable(table, known, f"qualifiers of {related} (RDOMAIN, QNAM)")
    if stated is not None and stated.lower() not in DOMAIN_COLUMNS:
        return SdtmTable(table, None, f"domain {stated}, which no table of the warehouse needs")
    best, count = None, 0
    for domain, variables in DOMAIN_COLUMNS.items():
        if domain in ("rf", "sim") or domain.startswith("supp"):
            continue
        if any(columns.isdisjoint(group) for group in REQUIRED[domain]):
            continue
        own = [name for name in variables if name in columns and name not in ("studyid", "usubjid")]
        marked = [name for name in own if name.startswith(domain)] or own
        if domain == "dm":
            marked = own if {"arm", "sex", "rfstdtc"} & columns and "domain" in columns else []
            if {"rfstdtc", "arm", "sex", "age"} <= columns or {"rfxstdtc", "arm"} <= columns:
                marked = own
        if stated is not None and stated.lower() == domain:
            return SdtmTable(table, domain, f"DOMAIN is {stated}")
        if len(marked) > count:
            best, count = domain, len(marked)
    if best is not None and count >= _OWN:
        return SdtmTable(table, best, f"{count} variables of {best.upper()}")
    return None


def _single(
    connection: duckdb.DuckDBPyConnection, table: Table, name: str, columns: set[str]
) -> str | None:
    """The one value of a column, where it has one only."""
    if name not in columns:
        return None
    values = connection.execute(
        f"SELECT DISTINCT {identifier(name)} FROM {table.stage.relation} "
        f"WHERE {identifier(name)} IS NOT NULL LIMIT 2"
    ).fetchall()
    return str(values[0][0]) if len(values) == 1 else None


def propose_sdtm(
    connection: duckdb.DuckDBPyConnection, tables: list[SdtmTable], proposal: Proposal
) -> list[SdtmTable]:
    """Names the domains of SDTM tables in the proposal; the tables that are loaded."""
    chosen: dict[str, SdtmTable] = {}
    loaded: list[SdtmTable] = []
    domains: list[tuple[str, str, str]] = []
    for table in sorted(tables, key=lambda t: (-t.table.stage.rows, t.table.source.path.name)):
        stem = data_stem(table.table.source.path.name)
        if table.domain is None:
            if stem in DOMAIN_COLUMNS:
                domains.append((stem, "ignore", table.why))
            else:
                proposal.not_read.append((table.table.source.path.name, table.why))
            continue
        first = chosen.get(table.domain)
        if first is not None:
            shared = _shared_subjects(connection, first.table, table.table)
            other = first.table.source.path.name
            if shared:
                domains.append((stem, "ignore", f"{shared} of its subjects are in {other} too"))
                proposal.ask(
                    f"{table.table.source.path.name} and {other} both hold "
                    f"{table.domain.upper()}, and {shared} subjects are in both. Which one counts?",
                    f"{other}, which has more records",
                    f"{table.table.source.path.name} (swap their lines under 'domains')",
                )
                continue
        chosen.setdefault(table.domain, table)
        loaded.append(table)
        if table.table.source.options != ReadOptions():
            source = table.table.source
            proposal.entries.append(
                Entry(
                    source.path.name,
                    table.domain,
                    (),
                    options=source.options,
                    reasons=source.reasons,
                    title=table.why,
                )
            )
        elif stem != table.domain:
            domains.append((stem, table.domain, table.why))
    proposal.domains = tuple(sorted(domains))
    return loaded


def _shared_subjects(connection: duckdb.DuckDBPyConnection, one: Table, other: Table) -> int:
    found = connection.execute(
        f"SELECT count(*) FROM (SELECT DISTINCT usubjid FROM {one.stage.relation} INTERSECT "
        f"SELECT DISTINCT usubjid FROM {other.stage.relation})"
    ).fetchall()
    return int(found[0][0])

"""What users built on the mirror's tables: found before a table changes, and put back after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from warehouse.database import ident
from warehouse.publishing.marts import Mart
from warehouse.publishing.postgres_sql import Signature, literal, signature

Run = Callable[..., Any]
"""Executes SQL with values and gives the cursor."""

DEPENDENTS = """
WITH RECURSIVE direct AS (
    SELECT d.refobjid AS root, d.refobjsubid AS attnum, d.classid, d.objid, r.ev_class
    FROM pg_depend AS d
    LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (%(tables)s::regclass[])
        AND d.deptype = 'n'
    UNION
    SELECT k.conrelid, -1, d.classid, d.objid, r.ev_class
    FROM pg_depend AS d
    INNER JOIN pg_constraint AS k ON d.refclassid = 'pg_constraint'::regclass
        AND k.oid = d.refobjid AND k.conrelid = ANY (%(tables)s::regclass[])
    LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    WHERE d.deptype = 'n'
), found AS (
    SELECT root, attnum, classid, objid, ev_class, 1 AS depth FROM direct
    UNION
    SELECT f.root, f.attnum, d.classid, d.objid, r.ev_class, f.depth + 1
    FROM found AS f
    INNER JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass
        AND d.refobjid = f.ev_class AND d.deptype = 'n'
    LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    WHERE r.ev_class IS DISTINCT FROM f.ev_class
)
SELECT
    t.relname::text,
    array_agg(DISTINCT CASE f.attnum WHEN -1 THEN '' ELSE a.attname::text END),
    f.ev_class,
    pg_describe_object(f.classid, f.objid, 0), max(f.depth)
FROM found AS f
INNER JOIN pg_class AS t ON t.oid = f.root
LEFT JOIN pg_attribute AS a ON a.attrelid = f.root AND a.attnum = f.attnum AND f.attnum > 0
WHERE f.ev_class IS DISTINCT FROM f.root
GROUP BY t.relname, f.ev_class, f.classid, f.objid
ORDER BY max(f.depth), f.ev_class::regclass::text, 4
"""

DEFINITION = """
SELECT
    n.nspname, c.relname, c.relkind = 'm', c.relispopulated, o.rolname, c.reloptions,
    pg_get_viewdef(c.oid), obj_description(c.oid, 'pg_class'),
    pg_has_role(c.relowner, 'MEMBER'),
    (SELECT array_agg(pg_get_indexdef(indexrelid)) FROM pg_index WHERE indrelid = c.oid),
    (
        SELECT array_agg(format(
            'GRANT %%s ON %%I.%%I TO %%s%%s', g.privilege_type, n.nspname, c.relname,
            CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
            CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
        )) FROM aclexplode(c.relacl) AS g WHERE g.grantee <> c.relowner
    )
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
INNER JOIN pg_roles AS o ON o.oid = c.relowner
WHERE c.oid = %s
"""


@dataclass(frozen=True)
class Dependent:
    """One thing that hangs on a table of ours, directly or through views."""

    table: str
    columns: frozenset[str | None]
    """The table's columns that the thing uses; an empty name stands for its primary key."""
    view: int | None
    """Object id of a view or materialized view; none of anything else."""
    words: str
    """What PostgreSQL calls it."""


@dataclass(frozen=True)
class Change:
    """What must happen to a table of the mirror until it is as its mart."""

    dropped: tuple[str, ...]
    """Columns that go, or change type."""
    added: tuple[tuple[str, str], ...]
    """Columns that come, with their types."""
    drops_key: bool
    is_gone: bool

    @classmethod
    def to(cls, mart: Mart, there: Signature) -> Change:
        """From what is there to a mart."""
        _, wanted, key = signature(mart)
        dropped = tuple(name for name, kind in there[1] if (name, kind) not in wanted)
        added = tuple(column for column in wanted if column not in there[1])
        return cls(dropped, added, there[2] != key or not {*dropped}.isdisjoint(key), False)

    @classmethod
    def gone(cls, there: Signature) -> Change:
        """The end of a table."""
        return cls(tuple(name for name, _ in there[1]), (), True, True)

    def under(self, one: Dependent) -> list[str]:
        """What a dependent uses of what goes or changes."""
        if self.is_gone:
            return [one.table]
        found = [f"{one.table}.{name}" for name in self.dropped if name in one.columns]
        return found + ([f"the key of {one.table}"] if self.drops_key and "" in one.columns else [])


@dataclass(frozen=True)
class View:
    """Somebody's view, as it stood before the table under it changed."""

    under: Sequence[str]
    """What changes under it: tables that go, and columns that go or change type."""
    schema: str
    name: str
    is_materialized: bool
    is_populated: bool
    owner: str
    options: Sequence[str] | None
    select: str
    comment: str | None
    may_act_as_owner: bool
    indexes: Sequence[str] | None
    grants: Sequence[str] | None

    @property
    def words(self) -> str:
        return f"{self.schema}.{self.name} of {self.owner}"

    @property
    def statement(self) -> str:
        """What makes it again."""
        kind = "MATERIALIZED VIEW" if self.is_materialized else "VIEW"
        options = f" WITH ({', '.join(self.options)})" if self.options else ""
        data = " WITH NO DATA" if self.is_materialized and not self.is_populated else ""
        select = self.select.rstrip().removesuffix(";")
        return f"CREATE {kind} {ident(self.schema)}.{ident(self.name)}{options} AS{select}{data}"


def dependents(run: Run, tables: Sequence[str]) -> list[Dependent]:
    """All that hangs on tables, what hangs on nothing but the tables first."""
    return [
        Dependent(table, frozenset(columns), view, words)
        for table, columns, view, words, _ in run(DEPENDENTS, {"tables": list(tables)}).fetchall()
    ]


def definitions(run: Run, lost: Sequence[tuple[Dependent, Sequence[str]]]) -> list[View]:
    """Definitions of the views among dependents, in an order in which they can be made.

    Args:
        run: executes SQL.
        lost: each dependent with what changes under it, what hangs on nothing but tables first.
    """
    under: dict[int, list[str]] = {}
    for one, words in lost:
        if one.view is not None:
            # To the end, for a view stands after all views that it reads.
            under[one.view] = [*under.pop(one.view, []), *words]
    return [
        View(sorted(set(words)), *run(DEFINITION, [view]).fetchall()[0])
        for view, words in under.items()
    ]


def restore(connection: Any, views: Sequence[View]) -> list[str]:
    """Makes dropped views again, each as its owner; says of each that no longer fits why.

    A view is made with its owner's rights, so only where this user may act as the owner.
    """
    import psycopg

    notes = []
    for view in views:
        why = f"this user may not act as {view.owner}"
        if view.may_act_as_owner:
            try:
                with connection.transaction():
                    _make(connection, view)
                continue
            except psycopg.Error as error:
                why = str(error).strip().splitlines()[0]
        statement = " ".join(view.statement.split())
        notes.append(
            f"the view {view.words} was dropped, for it uses {', '.join(view.under)}, which went "
            f"or changed; and {why}. It was made by: {statement}"
        )
    return notes


def _make(connection: Any, view: View) -> None:
    name = f"{ident(view.schema)}.{ident(view.name)}"
    kind = "MATERIALIZED VIEW" if view.is_materialized else "VIEW"
    connection.execute(f"SET LOCAL ROLE {ident(view.owner)}")
    connection.execute(view.statement)
    for statement in (*(view.indexes or ()), *(view.grants or ())):
        connection.execute(statement)
    if view.comment:
        connection.execute(f"COMMENT ON {kind} {name} IS {literal(view.comment)}")
    connection.execute("RESET ROLE")

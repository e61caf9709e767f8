"""Queries that are answered in parts, as Spark works a CTE out anew wherever it is named.

DuckDB keeps the rows of a CTE that is named more than once. Spark puts its text in each place: of
CTEs that build on each other the plan doubles at each one, to more than a hundred times the same
scan, and planning it takes longer than running it. What is named twice or more and is large is
therefore a part of its own, whose rows are written down once.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from sqlglot import exp

MOST_WHOLE = 24
"""A query of fewer SELECTs, each counted as often as Spark works it out, stays whole: a part costs
a job of its own."""
LEAST_PART = 3
"""SELECTs of a CTE, so counted, that make it worth a job."""


class Part(NamedTuple):
    """A CTE whose rows are written down before the query is answered."""

    name: str
    query: exp.Query


def in_parts(tree: exp.Query) -> tuple[list[Part], exp.Query]:
    """The parts of a query in the order in which they can be answered, and what is left of it.

    A later part and the rest name an earlier one as a table.
    """
    clause = tree.args.get("with_")
    if clause is None or len(list(tree.find_all(exp.With))) > 1:
        return [], tree
    ctes = {cte.alias: cte for cte in clause.expressions}
    uses = {name: _uses(cte.this, ctes) - Counter({name: 10**6}) for name, cte in ctes.items()}
    body = tree.copy()
    body.set("with_", None)
    main = _uses(body, ctes)
    if _size(main, uses, set()) <= MOST_WHOLE:
        return [], tree
    named = sum(uses.values(), Counter(main))
    chosen: set[str] = set()
    for name in ctes:
        if named[name] > 1 and _size(uses[name], uses, chosen) >= LEAST_PART:
            chosen.add(name)
    parts = []
    for name in ctes:
        if name in chosen:
            needed = {name, *_needed(uses[name], uses, chosen)}
            parts.append(Part(name, _with(exp.select("*").from_(name), clause, needed)))
    return parts, _with(body, clause, _needed(main, uses, chosen))


def _uses(node: exp.Expr, ctes: dict[str, exp.CTE]) -> Counter[str]:
    return Counter(t.name for t in node.find_all(exp.Table) if not t.db and t.name in ctes)


def _size(used: Counter[str], uses: dict[str, Counter[str]], chosen: set[str]) -> int:
    """SELECTs that Spark works out for a query that uses these CTEs."""
    return 1 + sum(
        times * _size(uses[name], uses, chosen)
        for name, times in used.items()
        if name not in chosen
    )


def _needed(used: Counter[str], uses: dict[str, Counter[str]], chosen: set[str]) -> set[str]:
    """The CTEs that a query uses, and those that they use, up to parts."""
    found: set[str] = set()
    waiting = [name for name in used if name not in chosen]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [other for other in uses[name] if other not in chosen]
    return found


def _with(query: exp.Query, clause: exp.With, needed: set[str]) -> exp.Query:
    out = query.copy()
    if needed:
        kept = [cte.copy() for cte in clause.expressions if cte.alias in needed]
        out.set("with_", exp.With(expressions=kept, recursive=clause.args.get("recursive")))
    return out

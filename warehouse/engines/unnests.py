"""``unnest`` among the columns of a SELECT, which Spark knows beside its rows only."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp


def unnest_beside(tree: exp.Expr) -> None:
    """``unnest`` among the columns as a lateral view: Spark allows one generator in a SELECT, and
    none within an expression; DuckDB walks through several side by side, short ones padded."""
    for number, select in enumerate(list(tree.find_all(exp.Select))):
        found = _unnests(select)
        if not found:
            continue
        if any(_array_of(node).find(exp.AggFunc, exp.Window) for node in found):
            _compute_first(select, f"_computed{number}")
            found = _unnests(select)
        arrays = [_array_of(node) for node in found]
        view = f"_unnested{number}"
        names = [f"_item{place}" for place in range(len(arrays))]
        if len(arrays) == 1:
            generator: exp.Expr = exp.Explode(this=arrays[0].copy())
        else:
            zipped = exp.Anonymous(this="ARRAYS_ZIP", expressions=[a.copy() for a in arrays])
            generator = exp.Anonymous(this="INLINE", expressions=[zipped])
        for node, name in zip(found, names, strict=True):
            node.replace(exp.column(name, table=view))
        if select.args.get("from_") is None:
            one = exp.select(exp.alias_(exp.Literal.number(1), "_one")).subquery("_once")
            select.set("from_", exp.From(this=one))
        alias = exp.TableAlias(
            this=exp.to_identifier(view), columns=[exp.to_identifier(name) for name in names]
        )
        select.append("laterals", exp.Lateral(this=generator, view=True, alias=alias))


def _unnests(select: exp.Select) -> list[exp.Expr]:
    """Those among a SELECT's own columns, in the order in which they stand."""
    return [
        node
        for item in select.expressions
        for node in item.find_all(exp.Explode, exp.Unnest)
        if node.find_ancestor(exp.Select) is select
    ]


def _array_of(node: exp.Expr) -> exp.Expr:
    inner = node.expressions[0] if isinstance(node, exp.Unnest) else node.this
    assert isinstance(inner, exp.Expr)
    return inner


def _compute_first(select: exp.Select, name: str) -> None:
    """Moves all that a SELECT computes into one within its FROM, but for the walks through arrays.

    What a generator of Spark's walks through may hold no aggregate and no window.
    """
    if any(select.args.get(part) for part in ("distinct", "order", "limit")):
        raise NotImplementedError("unnest of an aggregate beside DISTINCT, ORDER BY or LIMIT")
    columns: list[exp.Expr] = []
    for item in list(select.expressions):
        for node in list(_computed(item.unalias())):
            column = f"_cell{len(columns)}"
            columns.append(exp.alias_(node.copy(), column))
            stands = exp.column(column, table=name)
            is_item = node is item
            node.replace(exp.alias_(stands, item.alias_or_name) if is_item else stands)
    inner = exp.Select(expressions=columns)
    for part, value in list(select.args.items()):
        if part not in ("with_", "expressions") and value:
            inner.set(part, value)
            select.set(part, None)
    select.set("from_", exp.From(this=inner.subquery(name)))


def _computed(node: exp.Expr) -> Iterator[exp.Expr]:
    """The largest parts of an expression that hold no unnest, and the arrays that are walked."""
    if isinstance(node, exp.Explode | exp.Unnest):
        yield _array_of(node)
    elif not node.find(exp.Explode, exp.Unnest):
        if node.find(exp.Column, exp.AggFunc, exp.Window):
            yield node
    else:
        for child in node.iter_expressions():
            yield from _computed(child)

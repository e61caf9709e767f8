"""Aggregates that mean something else in Spark, or that it has not."""

from __future__ import annotations

from sqlglot import exp

from warehouse.engines import sums
from warehouse.engines.rewrites import flagged, is_struct

_ADDED = (*sums.KINDS, exp.Corr)


def rewrite_aggregates(tree: exp.Expr) -> None:
    """Each aggregate in the form in which Spark gives DuckDB's answer."""
    for node in list(tree.find_all(exp.ArgMax, exp.ArgMin)):
        _pass_over_nulls(node)
    for node in list(tree.find_all(exp.AnyValue, exp.First)):
        _ordered_any_value(node)
    for node in list(tree.find_all(exp.GroupConcat)):
        _joined_texts(node)
    for node in list(tree.find_all(exp.ArrayAgg)):
        _list(node)
    for node in list(tree.find_all(*_ADDED)):
        _ordered_sum(node)
    for node in list(tree.find_all(exp.PercentileCont)):
        # sqlglot writes PERCENTILE_APPROX for some forms, which takes one of the values and does
        # not interpolate. Spark's percentile() does, as quantile_cont() does.
        arguments = [node.this.copy(), node.expression.copy()]
        node.replace(exp.Anonymous(this="PERCENTILE", expressions=arguments))
    for node in list(tree.find_all(exp.Count)):
        _count_distinct_in_window(node)


def _outer(node: exp.Expr) -> tuple[exp.Expr, exp.Expr | None]:
    """The aggregate with what stands around it (FILTER, IGNORE NULLS), and the condition."""
    condition: exp.Expr | None = None
    outer = node
    if isinstance(outer.parent, exp.IgnoreNulls):
        outer = outer.parent
    if isinstance(outer.parent, exp.Filter) and outer.arg_key == "this":
        outer = outer.parent
        condition = outer.expression.this
    return outer, condition


def _and(*conditions: exp.Expr | None) -> exp.Expr:
    return exp.and_(*[c.copy() for c in conditions if c is not None])


def _filtered(aggregate: exp.Expr, condition: exp.Expr | None) -> exp.Expr:
    if condition is None:
        return aggregate
    return exp.Filter(this=aggregate, expression=exp.Where(this=condition.copy()))


def _is_given(value: exp.Expr) -> exp.Expr:
    absent = exp.Is(this=exp.Paren(this=value.copy()), expression=exp.Null())
    return exp.Not(this=absent)


def _in_window(outer: exp.Expr) -> bool:
    return isinstance(outer.parent, exp.Window) and outer.arg_key == "this"


def _pass_over_nulls(node: exp.Expr) -> None:
    """arg_max and arg_min: DuckDB passes over rows without a value, Spark may give the NULL."""
    outer, condition = _outer(node)
    given = _and(condition, _is_given(node.this))
    key = flagged(node.expression) if is_struct(node.expression) else node.expression
    if not _in_window(outer):
        node.set("expression", key.copy())
        outer.replace(_filtered(node.copy(), given))
        return
    # A window has no FILTER; both pass over rows whose key is NULL.
    node.set("expression", exp.Case(ifs=[exp.If(this=given, true=key.copy())]))


def _ordered_any_value(node: exp.Expr) -> None:
    """any_value(x ORDER BY k), the first that is not NULL: Spark's cannot be ordered."""
    order = node.this
    if not isinstance(order, exp.Order):
        if isinstance(node.parent, exp.IgnoreNulls):  # Spark wants FILTER before IGNORE NULLS
            node.parent.replace(
                exp.Anonymous(this="ANY_VALUE", expressions=[order.copy(), exp.true()])
            )
        return
    outer, condition = _outer(node)
    kinds = {bool(item.args.get("desc")) for item in order.expressions}
    if len(kinds) > 1 or _in_window(outer):
        raise NotImplementedError(f"this order: {node.sql('duckdb')}")
    keys = [item.this.copy() for item in order.expressions]
    key = keys[0] if len(keys) == 1 else exp.Tuple(expressions=keys)
    kind = exp.ArgMax if kinds == {True} else exp.ArgMin
    value = order.this
    given = _and(condition, _is_given(value), *(_is_given(k) for k in keys))
    outer.replace(_filtered(kind(this=value.copy(), expression=key), given))


def _joined_texts(node: exp.Expr) -> None:
    """string_agg: Spark's LISTAGG has no window, and orders by what it joins where DISTINCT."""
    outer, condition = _outer(node)
    order = node.this if isinstance(node.this, exp.Order) else None
    value = order.this if order is not None else node.this
    is_distinct = isinstance(value, exp.Distinct)
    if is_distinct:
        value = value.expressions[0]
    separator = node.args.get("separator") or exp.Literal.string(",")
    given = _and(condition, _is_given(value))
    window = outer.parent if _in_window(outer) else None
    items = _array(value, order, is_distinct, given, window)
    text = exp.Anonymous(this="ARRAY_JOIN", expressions=[items, separator.copy()])
    _replace(outer, window, _unless_empty(items, text))


def _list(node: exp.Expr) -> None:
    """list: Spark drops NULLs and the order, and gives an empty array where there is no row."""
    outer, condition = _outer(node)
    order = node.this if isinstance(node.this, exp.Order) else None
    value = order.this if order is not None else node.this
    is_distinct = isinstance(value, exp.Distinct)
    if is_distinct:
        value = value.expressions[0]
    window = outer.parent if _in_window(outer) else None
    items = _array(value, order, is_distinct, condition, window)
    _replace(outer, window, _unless_empty(items, items.copy()))


def _replace(outer: exp.Expr, window: exp.Expr | None, text: exp.Expr) -> None:
    (window if window is not None else outer).replace(text)


def _unless_empty(items: exp.Expr, then: exp.Expr) -> exp.Expr:
    size = exp.Anonymous(this="SIZE", expressions=[items.copy()])
    is_some = exp.GT(this=size, expression=exp.Literal.number(0))
    return exp.Paren(this=exp.Case(ifs=[exp.If(this=is_some, true=then)]))


def _array(
    value: exp.Expr,
    order: exp.Order | None,
    is_distinct: bool,
    condition: exp.Expr | None,
    window: exp.Expr | None,
) -> exp.Expr:
    """The values of a group as an array in the order asked for.

    Each value goes within a struct, whose own order is that of its keys: a struct is never NULL, so
    that no value is lost. Keys are flagged, as NULLs come last.
    """
    keys = [] if order is None else order.expressions
    if any(item.args.get("desc") for item in keys):
        raise NotImplementedError(f"a descending order: {order.sql('duckdb') if order else ''}")
    fields = [
        exp.PropertyEQ(this=exp.to_identifier(f"_key{i}"), expression=item.this.copy())
        for i, item in enumerate(keys)
    ]
    kept: exp.Expr = exp.Struct(expressions=fields)
    kept = flagged(kept) if fields else kept
    kept.append(
        "expressions", exp.PropertyEQ(this=exp.to_identifier("_value"), expression=value.copy())
    )
    collect = "COLLECT_SET" if is_distinct else "COLLECT_LIST"
    gathered: exp.Expr = exp.Anonymous(this=collect, expressions=[kept])
    if window is None:
        gathered = _filtered(gathered, condition)
    else:  # a window has no FILTER: what it would leave out is taken from the array
        over = window.copy()
        if over.args.get("order") is not None:
            raise NotImplementedError("an ordered window of a list")
        if condition is not None:
            kept.append(
                "expressions",
                exp.PropertyEQ(this=exp.to_identifier("_is_kept"), expression=condition.copy()),
            )
        over.set("this", gathered)
        gathered = over
        if condition is not None:
            is_kept = exp.Lambda(
                this=exp.column("_is_kept", table="_kept"), expressions=[exp.to_identifier("_kept")]
            )
            gathered = exp.Anonymous(this="FILTER", expressions=[gathered, is_kept])
    if keys or is_distinct:  # a set has no order of its own: one that is the same in every run
        gathered = exp.Anonymous(this="ARRAY_SORT", expressions=[gathered])
    item = exp.to_identifier("_kept")
    taken = exp.Lambda(this=exp.column("_value", table="_kept"), expressions=[item])
    return exp.Anonymous(this="TRANSFORM", expressions=[gathered, taken])


def _ordered_sum(node: exp.Expr) -> None:
    """sum(x ORDER BY k): see ``sums``. A correlation, and what stands in a window, lose the order:
    the last digits may differ."""
    outer, condition = _outer(node)
    order = node.this
    if isinstance(node, exp.Corr) or _in_window(outer):
        for part in ("this", "expression"):
            if isinstance(node.args.get(part), exp.Order):
                node.set(part, node.args[part].this.copy())
    elif isinstance(order, exp.Order):
        given = _and(condition, _is_given(order.this))
        values = _array(order.this, order, False, given, None)
        outer.replace(_unless_empty(values, sums.folded(type(node), values)))


def _count_distinct_in_window(node: exp.Expr) -> None:
    """count(DISTINCT x) OVER w: Spark has none; the size of the set of values is the same."""
    outer, condition = _outer(node)
    if not _in_window(outer) or not isinstance(node.this, exp.Distinct):
        return
    if condition is not None or len(node.this.expressions) != 1:
        raise NotImplementedError(f"in a window: {node.sql('duckdb')}")
    window = outer.parent
    assert window is not None
    over = window.copy()
    over.set(
        "this", exp.Anonymous(this="COLLECT_SET", expressions=[node.this.expressions[0].copy()])
    )
    window.replace(exp.Anonymous(this="SIZE", expressions=[over]))

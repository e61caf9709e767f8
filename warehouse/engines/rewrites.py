"""Clauses of a query that mean something else in Spark, or nothing: windows, groups, unnest."""

from __future__ import annotations

from sqlglot import exp

PLACE = "_row"
"""Spark's raw tables have the place of each row as a column: a table of Spark has no order."""


def write_out_windows(tree: exp.Expr) -> None:
    """Named windows where they are used: Spark refuses ``OVER (w ORDER BY ..)``, and has no
    FILTER in a window, which becomes a CASE within the aggregate."""
    for select in list(tree.find_all(exp.Select)):
        named = {w.this.name.lower(): w for w in select.args.get("windows") or []}
        if named:
            for window in _own_windows(select):
                _write_out_window(window, named)
            select.set("windows", None)
    for window in list(tree.find_all(exp.Window)):
        _filter_as_case(window)


def _own_windows(select: exp.Select) -> list[exp.Window]:
    """Windows in a SELECT's own clauses, but for its CTEs' and subqueries'."""
    return [
        w
        for w in select.find_all(exp.Window)
        if w.parent_select is select and w.arg_key != "windows"
    ]


def _write_out_window(window: exp.Window, named: dict[str, exp.Window]) -> None:
    alias = window.args.get("alias")
    name = alias.name.lower() if alias is not None else ""
    if name not in named:
        return
    definition = named[name]
    window.set("alias", None)
    if not window.args.get("partition_by"):
        window.set("partition_by", [e.copy() for e in definition.args.get("partition_by") or []])
    for part in ("order", "spec"):
        found = definition.args.get(part)
        if window.args.get(part) is None and found is not None:
            window.set(part, found.copy())


def _filter_as_case(window: exp.Window) -> None:
    inner = window.this
    if not isinstance(inner, exp.Filter):
        return
    aggregate, condition = inner.this.copy(), inner.expression.this
    if isinstance(aggregate, exp.Count) and isinstance(aggregate.this, exp.Star):
        value: exp.Expr = exp.Literal.number(1)
    else:
        value = aggregate.this
    if isinstance(value, exp.Order | exp.Lambda):
        return  # of texts and lists: see aggregates
    if isinstance(value, exp.Distinct):
        (value,) = value.expressions
    case = exp.Case(ifs=[exp.If(this=condition.copy(), true=value.copy())])
    is_distinct = isinstance(aggregate.this, exp.Distinct)
    aggregate.set("this", exp.Distinct(expressions=[case]) if is_distinct else case)
    inner.replace(aggregate)


def write_out_groups(tree: exp.Expr) -> None:
    """GROUP BY ALL by the columns it stands for: not every server of Spark's SQL has it."""
    for select in tree.find_all(exp.Select):
        group = select.args.get("group")
        if group is None or not group.args.get("all"):
            continue
        keys = [(item.unalias()).copy() for item in select.expressions if not _has_aggregate(item)]
        keys = [key for key in keys if not isinstance(key, exp.Literal)]
        select.set("group", exp.Group(expressions=keys) if keys else None)


def _has_aggregate(item: exp.Expr) -> bool:
    def stops(node: exp.Expr) -> bool:
        return isinstance(node, exp.Query)

    return any(
        isinstance(node, exp.AggFunc) and not isinstance(node.parent, exp.Window)
        for node in item.walk(prune=stops)
    )


def write_out_qualify(tree: exp.Expr) -> None:
    """QUALIFY as a flag of an inner SELECT that the outer one asks for: Spark has no QUALIFY, and
    what ``sqlglot`` makes of it loses the tables that the condition names."""
    for number, select in enumerate(reversed(list(tree.find_all(exp.Select)))):
        qualify = select.args.get("qualify")
        if qualify is None:
            continue
        if select.args.get("distinct") or select.args.get("limit"):
            raise NotImplementedError("QUALIFY beside DISTINCT or LIMIT")
        named = {item.alias: item.this for item in select.expressions if item.alias}
        condition = qualify.this.transform(lambda node, named=named: _aliased(node, named))
        flag = f"_is_wanted{number}"
        inner = select.copy()
        for part in ("qualify", "with_", "order"):
            inner.set(part, None)
        inner.append("expressions", exp.alias_(exp.Paren(this=condition), flag))
        kept = {part: select.args.get(part) for part in ("with_", "order")}
        for part in list(select.args):
            select.set(part, None)
        names = [item.alias_or_name for item in inner.expressions[:-1]]
        # The same object, which may be the whole query.
        if "*" in names:
            select.set("expressions", [exp.Star(except_=[exp.to_identifier(flag)])])
        else:
            select.set("expressions", [exp.column(name) for name in names])
        select.set("from_", exp.From(this=inner.subquery(f"_qualified{number}")))
        select.set("where", exp.Where(this=exp.column(flag)))
        for part, value in kept.items():
            select.set(part, value)


def _aliased(node: exp.Expr, named: dict[str, exp.Expr]) -> exp.Expr:
    """A column that stands for a window or an aggregate among those selected is that."""
    if isinstance(node, exp.Column) and not node.table:
        meant = named.get(node.name)
        if meant is not None and meant.find(exp.Window, exp.AggFunc):
            return exp.Paren(this=meant.copy())
    return node


def write_out_stars(tree: exp.Expr) -> None:
    """``* REPLACE`` as the other columns and those in place of them, which then come last."""
    for star in list(tree.find_all(exp.Star)):
        replaced = star.args.get("replace")
        select = star.parent_select
        if not replaced or select is None:
            continue
        names = [exp.to_identifier(item.alias) for item in replaced]
        star.set("replace", None)
        star.set("except_", [*(star.args.get("except_") or []), *names])
        for item in replaced:
            select.append("expressions", item.copy())


def write_out_unions(tree: exp.Expr) -> None:
    """Columns of a union BY NAME, which Spark has not, as those that are read of it; a column that
    one of its CTEs does not give is NULL there, as in DuckDB."""
    given = {
        cte.alias: None if cte.this.is_star else set(cte.this.named_selects)
        for cte in tree.find_all(exp.CTE)
    }
    for cte in tree.find_all(exp.CTE):
        union = cte.this
        if not isinstance(union, exp.SetOperation) or not union.args.get("by_name"):
            continue
        read = _columns_read(tree, cte.alias)
        if not read:
            raise NotImplementedError(f"a union BY NAME of which no column is named: {cte.alias}")
        for part in list(union.find_all(exp.SetOperation)):
            part.set("by_name", False)
        for select in union.find_all(exp.Select):
            source = select.args.get("from_")
            if not select.is_star or source is None or not isinstance(source.this, exp.Table):
                raise NotImplementedError("a union BY NAME of other than whole tables")
            there = None if source.this.db else given.get(source.this.name)
            cells = [
                exp.column(name) if there is None or name in there else exp.alias_(exp.Null(), name)
                for name in read
            ]
            select.set("expressions", cells)


def _columns_read(tree: exp.Expr, name: str) -> list[str]:
    """The columns of a CTE that a query names, behind its name or where it stands alone."""
    read = {c.name: None for c in tree.find_all(exp.Column) if c.table == name}
    for select in tree.find_all(exp.Select):
        source = select.args.get("from_")
        if source is None or select.args.get("joins"):
            continue
        if source.this.name == name and not source.this.args.get("db"):
            own = (c for c in select.find_all(exp.Column) if c.parent_select is select)
            read.update({c.name: None for c in own if not c.table})
    return list(read)


def write_out_values(tree: exp.Expr) -> None:
    """VALUES of more than literals: Spark's hold nothing that it has to look up. In a LATERAL they
    are unpacked beside the row, else they become a union."""
    for values in list(tree.find_all(exp.Values)):
        if not any(row.find(exp.Column, exp.Subquery) for row in values.expressions):
            continue
        lateral = values.find_ancestor(exp.Lateral)
        if lateral is not None:
            _unpack_beside(values, lateral)
            continue
        holder = values if values.args.get("alias") else values.parent
        assert holder is not None  # VALUES stands in a FROM
        alias = holder.args["alias"]
        names = [column.name for column in alias.columns]
        selects = [
            exp.select(
                *[exp.alias_(x.copy(), n) for x, n in zip(row.expressions, names, strict=True)]
            )
            for row in values.expressions
        ]
        union: exp.Query = selects[0]
        for select in selects[1:]:
            union = exp.Union(this=union, expression=select, distinct=False)
        holder.replace(union.subquery(alias.this.name))


def _unpack_beside(values: exp.Values, lateral: exp.Lateral) -> None:
    join = lateral.parent
    select = lateral.parent_select
    if not isinstance(join, exp.Join) or select is None or select.args["joins"][-1] is not join:
        raise NotImplementedError("LATERAL before another join")
    names = [column.name for column in lateral.args["alias"].columns]
    rows = [
        exp.Struct(
            expressions=[
                exp.PropertyEQ(this=exp.to_identifier(name), expression=x.copy())
                for name, x in zip(names, row.expressions, strict=True)
            ]
        )
        for row in values.expressions
    ]
    array = exp.Array(expressions=rows)
    view = exp.Lateral(
        this=exp.Anonymous(this="INLINE", expressions=[array]),
        view=True,
        alias=lateral.args["alias"].copy(),
    )
    join.pop()
    select.append("laterals", view)


def number_raw_rows(tree: exp.Expr) -> None:
    """``row_number() OVER ()``: the place of a row in its table.

    DuckDB numbers rows as they stand in the table; in Spark they stand nowhere. Its raw tables bear
    the place as a column. A model that numbers rows of anything else has to say in which order.
    """
    for window in list(tree.find_all(exp.Window)):
        if not isinstance(window.this, exp.RowNumber):
            continue
        if window.args.get("order") is not None or window.args.get("partition_by"):
            continue
        select = window.parent_select
        source = select.args.get("from_") if select is not None else None
        table = source.this if source is not None else None
        has_joins = select is not None and select.args.get("joins")
        if not isinstance(table, exp.Table) or table.db != "raw" or has_joins:
            raise NotImplementedError("row_number() OVER () of another table than one of raw")
        window.replace(exp.column(PLACE))


_COMPARED = (exp.GT, exp.GTE, exp.LT, exp.LTE)


def flag_compared_structs(tree: exp.Expr) -> None:
    """Structs that are compared get a flag before each field that tells whether it is NULL.

    DuckDB takes a NULL within a struct for larger than any value, Spark for smaller.
    """
    for node in list(tree.find_all(exp.Min, exp.Max)):
        if is_struct(node.this):
            node.set("this", flagged(node.this))
    for node in list(tree.find_all(exp.ArgMin, exp.ArgMax)):
        if is_struct(node.expression):
            node.set("expression", flagged(node.expression))
    for compared in list(tree.find_all(*_COMPARED)):
        for part in ("this", "expression"):
            if is_struct(compared.args[part]):
                compared.set(part, flagged(compared.args[part]))


def is_struct(node: object) -> bool:
    """Whether an expression is a struct or a row, written out."""
    while isinstance(node, exp.Paren):
        node = node.this
    return isinstance(node, exp.Struct | exp.Tuple)


def flagged(node: exp.Expr) -> exp.Struct:
    """A struct in which each field stands behind a flag of its absence."""
    while isinstance(node, exp.Paren):
        node = node.this
    fields: list[exp.Expr] = []
    for place, item in enumerate(node.expressions):
        is_named = isinstance(item, exp.PropertyEQ)
        value = item.expression if is_named else item.unalias()
        name = item.name if is_named else (item.alias or f"_part{place}")
        absent = exp.Is(this=exp.Paren(this=value.copy()), expression=exp.Null())
        fields.append(exp.PropertyEQ(this=exp.to_identifier(f"_no{place}"), expression=absent))
        fields.append(exp.PropertyEQ(this=exp.to_identifier(name), expression=value.copy()))
    return exp.Struct(expressions=fields)

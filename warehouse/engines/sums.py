"""Sums, means and standard deviations in a stated order, to the last digit as DuckDB has them.

Spark adds in the order in which rows arrive, which is another in each run. Where a model states
an order (``sum(x ORDER BY k)``) the values of a group are gathered, sorted and added one by one, in
the way in which DuckDB adds: a mean is the sum through the number, a deviation Welford's.
"""

from __future__ import annotations

from sqlglot import exp

_PARTS = ("_n", "_mean", "_squares")
_N, _MEAN, _SQUARES = (exp.column(part, table="_s") for part in _PARTS)
_X = exp.Cast(this=exp.column("_x"), to=exp.DataType.build("double"))
KINDS = (exp.Sum, exp.Avg, exp.Stddev, exp.StddevPop, exp.StddevSamp)


def folded(kind: type[exp.Expr], values: exp.Expr) -> exp.Expr:
    """The sum, mean or standard deviation of an array that holds one value or more, none NULL.

    Args:
        kind: the aggregate, one of ``KINDS``.
        values: the array, in order.
    """
    if kind in (exp.Sum, exp.Avg):
        total = _fold(values, _number("0"), exp.Add(this=exp.column("_s"), expression=_X.copy()))
        return total if kind is exp.Sum else _through(total, _size(values))
    change = exp.Paren(this=exp.Sub(this=_X.copy(), expression=_MEAN.copy()))
    n = exp.Paren(this=exp.Add(this=_N.copy(), expression=_number("1")))
    mean = exp.Add(this=_MEAN.copy(), expression=_through(change, n))
    rest = exp.Paren(this=exp.Sub(this=_X.copy(), expression=exp.Paren(this=mean)))
    squares = exp.Add(this=_SQUARES.copy(), expression=exp.Mul(this=rest, expression=change.copy()))
    none = _moments(_number("0"), _number("0"), _number("0"))
    moments = _fold(values, none, _moments(n.copy(), mean.copy(), squares))
    summed = exp.Dot(this=moments, expression=exp.to_identifier("_squares"))
    is_population = kind is exp.StddevPop
    divisor: exp.Expr = _size(values)
    if not is_population:
        divisor = exp.Paren(this=exp.Sub(this=divisor, expression=exp.Literal.number(1)))
    several = exp.GT(this=_size(values), expression=exp.Literal.number(1))
    root = exp.Anonymous(this="SQRT", expressions=[_through(summed, divisor)])
    alone = _number("0") if is_population else exp.Null()
    return exp.Case(ifs=[exp.If(this=several, true=root)], default=alone)


def _fold(values: exp.Expr, start: exp.Expr, step: exp.Expr) -> exp.Expr:
    names = [exp.to_identifier("_s"), exp.to_identifier("_x")]
    return exp.Anonymous(
        this="REDUCE", expressions=[values.copy(), start, exp.Lambda(this=step, expressions=names)]
    )


def _moments(n: exp.Expr, mean: exp.Expr, squares: exp.Expr) -> exp.Expr:
    named = zip(_PARTS, (n, mean, squares), strict=True)
    return exp.Struct(
        expressions=[exp.PropertyEQ(this=exp.to_identifier(k), expression=v) for k, v in named]
    )


def _through(dividend: exp.Expr, divisor: exp.Expr) -> exp.Expr:
    """A quotient of which it is known that nothing is divided by zero."""
    return exp.Anonymous(this="TRY_DIVIDE", expressions=[dividend, divisor])


def _size(values: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="SIZE", expressions=[values.copy()])


def _number(text: str) -> exp.Expr:
    return exp.Cast(this=exp.Literal.number(text), to=exp.DataType.build("double"))

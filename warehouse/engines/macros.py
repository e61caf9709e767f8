"""A query with the project's macros written out, as Spark has none."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.tokens import Token, TokenType

from warehouse.errors import LesionsError


def inlined(tree: exp.Query, macros: Mapping[str, str]) -> exp.Query:
    """A copy of the query with each call of a macro as its body, arguments in place.

    Args:
        tree: the query.
        macros: the statement that creates each macro, by name, in an order in which they can be
            created.
    """
    out = tree.copy()
    _write_out(out, _bodies(tuple(macros.items())))
    return out


Body = tuple[dict[str, "exp.Expr | None"], exp.Expr]
"""A macro's parameters with their defaults, and what it stands for."""


def _write_out(tree: exp.Expr, bodies: Mapping[str, Body]) -> None:
    # The innermost first: what is put in place holds no call any more.
    for call in reversed(list(tree.find_all(exp.Anonymous))):
        if call.name.lower() in bodies:
            call.replace(_body_of(call, *bodies[call.name.lower()]))


def _body_of(
    call: exp.Anonymous, parameters: Mapping[str, exp.Expr | None], body: exp.Expr
) -> exp.Expr:
    given = dict(parameters)
    names = list(given)
    for position, argument in enumerate(call.expressions):
        if isinstance(argument, exp.PropertyEQ):
            given[argument.this.name.lower()] = argument.expression
        else:
            given[names[position]] = argument
    missing = [name for name, value in given.items() if value is None]
    if missing:
        raise LesionsError(f"{call.name} is called without {', '.join(missing)}.")

    def fill(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and not node.table and node.name.lower() in given:
            value = given[node.name.lower()]
            assert value is not None
            is_plain = isinstance(value, exp.Column | exp.Literal | exp.Func | exp.Paren)
            return value.copy() if is_plain else exp.Paren(this=value.copy())
        return node

    return exp.Paren(this=body.copy().transform(fill, copy=False))


@lru_cache(maxsize=4)
def _bodies(macros: tuple[tuple[str, str], ...]) -> dict[str, Body]:
    """Each macro with the macros written out that it uses itself."""
    bodies: dict[str, Body] = {}
    for name, statement in macros:
        parameters, select = _macro(statement)
        _write_out(select, bodies)
        bodies[name] = (parameters, select.expressions[0])
    return bodies


def _macro(statement: str) -> tuple[dict[str, exp.Expr | None], exp.Select]:
    """Parameters with their defaults, and the body, of one CREATE MACRO statement, as a SELECT."""
    tokens = sqlglot.tokenize(statement, read="duckdb")
    start = next(i for i, t in enumerate(tokens) if t.token_type == TokenType.L_PAREN)
    end = next(i for i, t in enumerate(tokens) if t.token_type == TokenType.R_PAREN and i > start)
    parameters: dict[str, exp.Expr | None] = {}
    for part in _parts(tokens[start + 1 : end]):
        default: exp.Expr | None = None
        if len(part) > 1:  # name := default
            default = sqlglot.parse_one(statement[part[2].start : part[-1].end + 1], read="duckdb")
        parameters[part[0].text.lower()] = default
    body_text = statement[tokens[end + 2].start :].strip().removesuffix(";")
    select = sqlglot.parse_one(f"SELECT {body_text}", read="duckdb")
    assert isinstance(select, exp.Select)
    return parameters, select


def _parts(tokens: list[Token]) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.token_type == TokenType.COMMA:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]

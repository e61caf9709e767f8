"""Functions, casts and patterns that mean something else in Spark."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp

NUMBER = (
    r"^\s*[+-]?([0-9]+(_[0-9]+)*[.]?([0-9]+(_[0-9]+)*)?|[.][0-9]+(_[0-9]+)*)([eE][+-]?[0-9]+)?\s*$"
)
"""What DuckDB takes for a number. Spark alone would take '1d' and '1.5f' too, and not '1_000'."""
NO_NUMBER = r"^\s*[+-]?(?i:nan|inf|infinity)\s*$"
HEX = r"^\s*0[xX]([0-9a-fA-F]+)\s*$"
DAY = r"^\s*[0-9]{1,4}([-/ \\])[0-9]{1,2}\1[0-9]{1,2}\s*$"
"""What DuckDB takes for a day. Spark alone would make 1 January of '2014'."""
COMPACT_DAY = r"^\s*([0-9]{4})([0-9]{2})([0-9]{1,2})\s*$"
NAMED_DAY = (
    r"^\s*([0-9]{1,2})(?i:(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))([0-9]{1,4})\s*$"
)
MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"
FORMAT = "lesions_format"
"""Spark's name of the function that writes a number as C's printf does; see ``functions``."""
_WHOLE = frozenset({exp.DType.INT, exp.DType.BIGINT, exp.DType.SMALLINT, exp.DType.TINYINT})
_SURELY_WHOLE = (exp.Count, exp.RowNumber, exp.DateDiff, exp.Length, exp.Rank)


def same_meaning(node: exp.Expr) -> exp.Expr:
    """The node in the form in which Spark gives DuckDB's answer; most are left as they are."""
    if isinstance(node, exp.Anonymous):
        named = _NAMED.get(node.name.lower())
        return node if named is None else named(*node.expressions)
    change = _CHANGES.get(type(node))
    return node if change is None else change(node)


def fn(name: str, *arguments: exp.Expr | str | int) -> exp.Anonymous:
    """A call of a function of Spark's, by its name."""
    return exp.Anonymous(this=name, expressions=[_value(a) for a in arguments])


def _value(given: exp.Expr | str | int) -> exp.Expr:
    if isinstance(given, str):
        return exp.Literal.string(given)
    if isinstance(given, int):
        return exp.Literal.number(given)
    return given.copy()


def _case(*pairs: tuple[exp.Expr, exp.Expr], other: exp.Expr | None = None) -> exp.Paren:
    ifs = [exp.If(this=condition, true=value) for condition, value in pairs]
    return exp.Paren(this=exp.Case(ifs=ifs, default=other))


def _matches(text: exp.Expr, pattern: str) -> exp.Expr:
    return exp.RegexpLike(this=text.copy(), expression=exp.Literal.string(java_pattern(pattern)))


def _cast(value: exp.Expr, kind: str) -> exp.Cast:
    return exp.Cast(this=value, to=exp.DataType.build(kind))


def _try_cast(value: exp.Expr, kind: str) -> exp.TryCast:
    return exp.TryCast(this=value, to=exp.DataType.build(kind), safe=True)


def _double(text: str) -> exp.Expr:
    return _cast(exp.Literal.string(text), "double")


# --- numbers -------------------------------------------------------------------------------------


def _literal(node: exp.Literal) -> exp.Expr:
    """7 / 365.25 is a DOUBLE in DuckDB; in Spark a DECIMAL of few digits, unless E0 is there."""
    if node.is_string or "." not in node.this or "e" in node.this.lower():
        return node
    return exp.Literal(this=f"{node.this}E0", is_string=False)


def _division(node: exp.Div) -> exp.Expr:
    """By zero DuckDB gives an infinity or NaN, Spark an error."""
    divisor = node.expression
    plain = divisor.this if isinstance(divisor, exp.Paren) else divisor
    if isinstance(plain, exp.Nullif) or (plain.is_number and float(plain.this) != 0):
        return node
    if isinstance(plain, exp.Cast) and plain.this.is_number and float(plain.this.this) != 0:
        return node
    if isinstance(plain, exp.Sqrt | exp.Exp) and not plain.this.find(exp.Column):
        return node
    dividend = _cast(node.this.copy(), "double")
    zero = exp.Literal.number(0)
    is_zero = exp.EQ(this=exp.Paren(this=divisor.copy()), expression=zero)
    infinite = exp.Mul(this=fn("SIGN", dividend), expression=_double("Infinity"))
    if plain.is_number:
        return exp.Paren(this=infinite)
    return _case(
        (is_zero, infinite), other=exp.Div(this=node.this.copy(), expression=divisor.copy())
    )


def _logarithm(node: exp.Expr) -> exp.Expr:
    """log is base 10 in DuckDB; of 0 it is -inf and of less NaN, where Spark gives NULL."""
    if isinstance(node, exp.Ln):
        name, value = "LN", node.this
    elif node.args.get("expression") is None:
        name, value = "LOG10", node.this
    elif node.this.is_number and node.this.this == "10":
        name, value = "LOG10", node.expression
    else:
        raise NotImplementedError(f"this logarithm: {node.sql('duckdb')}")
    if value.is_number and float(value.this.removesuffix("E0")) > 0:
        return fn(name, value)
    zero = exp.Literal.number(0)
    operand = exp.Paren(this=value.copy())
    return _case(
        (exp.GT(this=operand, expression=zero), fn(name, value)),
        (exp.EQ(this=operand.copy(), expression=zero.copy()), _double("-Infinity")),
        (exp.LT(this=operand.copy(), expression=zero.copy()), _double("NaN")),
    )


def _round(node: exp.Round) -> exp.Expr:
    """DuckDB rounds x * 10^n as a number, Spark the digits as they are written: 1.005 is 1.0 and
    1.01. Whole numbers are rounded away from zero at a half in both."""
    value = _cast(node.this.copy(), "double")
    digits = node.args.get("decimals")
    if digits is None:
        return fn("ROUND", value)
    if not digits.is_int:
        raise NotImplementedError(f"digits that are no number: {node.sql('duckdb')}")
    factor = exp.Literal(this=f"1E{int(digits.this)}", is_string=False)
    scaled = fn("ROUND", exp.Mul(this=value, expression=factor))
    return exp.Paren(this=exp.Div(this=scaled, expression=factor.copy()))


def _floor(node: exp.Expr) -> exp.Expr:
    """A DOUBLE in DuckDB, a BIGINT in Spark."""
    name = "FLOOR" if isinstance(node, exp.Floor) else "CEIL"
    return _cast(fn(name, _cast(node.this.copy(), "double")), "double")


def _is_finite(value: exp.Expr) -> exp.Expr:
    below = exp.LT(this=fn("ABS", value), expression=_double("Infinity"))
    return exp.Paren(this=exp.and_(exp.Not(this=fn("ISNAN", value)), below))


# --- casts ---------------------------------------------------------------------------------------


def _to_type(node: exp.Cast) -> exp.Expr:
    """To a whole number DuckDB rounds (to even at a half), Spark cuts off."""
    kind = node.to.this
    if kind == exp.DType.INT128:
        return _cast(node.this.copy(), "decimal(38, 0)")
    if kind not in _WHOLE or isinstance(node.this, _SURELY_WHOLE) or node.this.is_int:
        return node
    if isinstance(node.this, exp.Anonymous) and node.this.name in ("ROUND", "RINT"):
        return node
    if isinstance(node.this, exp.Cast) and node.this.to.this in _WHOLE:
        return node
    rounded = fn("RINT", _cast(node.this.copy(), "double"))
    return exp.Cast(this=rounded, to=node.to.copy())


def _try_type(node: exp.TryCast) -> exp.Expr:
    """Spark takes '1d' for a number, '2014-01' for a day, and not '12.0' for a whole number.

    What DuckDB would not take is '' before it is cast, and so NULL. The text itself is named once
    or twice only: within macros it is long.
    """
    kind, text = node.to.this, node.this
    if kind == exp.DType.DATE:
        return _try_cast(fn("REGEXP_REPLACE", _only(text, DAY), r"[/ \\]", "-"), "date")
    if kind == exp.DType.DOUBLE:
        return _try_cast(_digits(text, f"{NUMBER}|{NO_NUMBER}"), "double")
    if kind == exp.DType.INT128:
        return _try_cast(_only(text, r"^\s*[+-]?[0-9]{1,38}\s*$"), "decimal(38, 0)")
    if kind not in _WHOLE:
        raise NotImplementedError(f"this try_cast: {node.sql('duckdb')}")
    number = fn("ROUND", _try_cast(_digits(text, NUMBER), "double"))
    of_hex = fn("CONV", fn("REGEXP_EXTRACT", text, java_pattern(HEX), 1), 16, 10)
    whole = [exp.TryCast(this=x, to=node.to.copy(), safe=True) for x in (number, of_hex)]
    return fn("COALESCE", *whole)


def _only(text: exp.Expr, pattern: str) -> exp.Expr:
    """The text without blanks around it where it is like the pattern, else ''."""
    return exp.Trim(this=fn("REGEXP_EXTRACT", text, java_pattern(pattern), 0))


def _digits(text: exp.Expr, pattern: str) -> exp.Expr:
    return fn("REGEXP_REPLACE", _only(text, pattern), "_", "")


def _try_strptime(text: exp.Expr, formats: exp.Expr) -> exp.Expr:
    """'20140102' and '02JAN2014', one digit of a day too and months in any case, as DuckDB reads
    them; Spark's patterns want the digits and the case just so."""
    wanted = [item.this for item in formats.expressions]
    if wanted != ["%Y%m%d", "%d%b%Y"]:
        raise NotImplementedError(f"these formats: {wanted}")

    def part(pattern: str, group: int) -> exp.Expr:
        return fn("REGEXP_EXTRACT", text, java_pattern(pattern), group)

    compact = fn("CONCAT_WS", "-", *(part(COMPACT_DAY, group) for group in (1, 2, 3)))
    place = fn("INSTR", MONTHS, fn("LOWER", part(NAMED_DAY, 2)))
    month = fn("LPAD", _cast(exp.IntDiv(
        this=exp.Paren(this=exp.Add(this=place, expression=exp.Literal.number(2))),
        expression=exp.Literal.number(3)), "string"), 2, "0")  # fmt: skip
    named = fn(
        *("CONCAT_WS", "-", fn("LPAD", part(NAMED_DAY, 3), 4, "0"), month, part(NAMED_DAY, 1))
    )
    return fn("COALESCE", _try_cast(compact, "date"), _try_cast(named, "date"))


# --- patterns ------------------------------------------------------------------------------------


def java_pattern(pattern: str) -> str:
    """A pattern of RE2's as one of Java's: there ``$`` also stands before a last line end."""
    out, in_class, at = [], False, 0
    while at < len(pattern):
        letter = pattern[at]
        if letter == "\\":
            out.append(pattern[at : at + 2])
            at += 2
            continue
        if letter == "[":
            # Java nests classes: a bracket within one has to be escaped.
            out.append("\\[" if in_class else "[")
            in_class = True
        elif letter == "]" and in_class and out[-1] not in ("[", "[^"):
            out.append("]")
            in_class = False
        elif letter == "$" and not in_class:
            out.append("\\z")
        elif letter == "&" and in_class:
            out.append("\\&")
        else:
            out.append(letter)
        at += 1
    return "".join(out)


def _pattern(node: exp.Expr) -> exp.Expr:
    if node.is_string:
        return exp.Literal.string(java_pattern(node.this))
    return node.copy()


def _regexp_like(node: exp.RegexpLike) -> exp.Expr:
    """The options go into the pattern, where Spark looks for them."""
    flag = node.args.get("flag")
    pattern = _pattern(node.expression)
    if flag is not None:
        if not pattern.is_string:
            raise NotImplementedError("options beside a pattern that is no text")
        pattern = exp.Literal.string(f"(?{flag.this})" + pattern.this)
    return exp.Paren(this=exp.RegexpLike(this=node.this.copy(), expression=pattern))


def _regexp_full_match(node: exp.RegexpFullMatch) -> exp.Expr:
    if not node.expression.is_string:
        raise NotImplementedError("a pattern that is no text")
    whole = f"^(?:{java_pattern(node.expression.this)})\\z"
    return exp.Paren(
        this=exp.RegexpLike(this=node.this.copy(), expression=exp.Literal.string(whole))
    )


def _regexp_extract(node: exp.Expr) -> exp.Expr:
    """Without a number DuckDB means the whole match, Spark the first group."""
    name = "REGEXP_EXTRACT_ALL" if isinstance(node, exp.RegexpExtractAll) else "REGEXP_EXTRACT"
    group = node.args.get("group")
    return fn(name, node.this, _pattern(node.expression), group if group is not None else 0)


def _regexp_replace(node: exp.RegexpReplace) -> exp.Expr:
    """Without 'g' DuckDB replaces the first match, Spark all; a group is \\1 and there $1."""
    replacement = node.args["replacement"]
    if not replacement.is_string:
        raise NotImplementedError("a replacement that is no text")
    words = re.sub(r"\\([0-9])", r"$\1", replacement.this.replace("$", "\\$"))
    pattern = _pattern(node.expression)
    modifiers = node.args.get("modifiers")
    is_all = modifiers is not None and "g" in modifiers.this
    if modifiers is not None and set(modifiers.this) - {"g"}:
        raise NotImplementedError(f"these options: {modifiers.this}")
    anchored = pattern.is_string and (
        re.match(r"\^(?!.*\|)", pattern.this) or pattern.this.startswith("^")
        or (pattern.this.endswith("\\z") and "|" not in pattern.this)
    )  # fmt: skip
    if is_all or anchored:
        return fn("REGEXP_REPLACE", node.this, pattern, words)
    if "$" in words:
        raise NotImplementedError(f"groups in the first match alone: {node.sql('duckdb')}")
    text = node.this
    start = fn("REGEXP_INSTR", text, pattern)
    found = fn("LENGTH", exp.Coalesce(
        this=fn("REGEXP_SUBSTR", text, pattern), expressions=[exp.Literal.string("")]
    ))  # fmt: skip
    before = fn("SUBSTR", text, 1, exp.Sub(this=start, expression=exp.Literal.number(1)))
    after = fn("SUBSTR", text, exp.Add(this=start.copy(), expression=found))
    like = exp.RegexpLike(this=text.copy(), expression=pattern.copy())
    return _case((like, fn("CONCAT", before, words, after)), other=text.copy())


def _split(node: exp.Split) -> exp.Expr:
    """A separator is a pattern in Spark."""
    if not node.expression.is_string:
        raise NotImplementedError("a separator that is no text")
    return fn("SPLIT", node.this, re.sub(r"([^\w\s,;:'\"-])", r"\\\1", node.expression.this))


def _regexp_split(node: exp.RegexpSplit) -> exp.Expr:
    return fn("SPLIT", node.this, _pattern(node.expression))


def _split_by(text: exp.Expr, pattern: exp.Expr) -> exp.Expr:
    return fn("SPLIT", text, _pattern(pattern))


# --- texts and lists -----------------------------------------------------------------------------


def _printf(form: exp.Expr, *values: exp.Expr) -> exp.Expr:
    """Java rounds digits as they are written and knows no %g without padding: numbers with
    decimals go through C's rules. A NULL among the values makes the text NULL, not 'null'."""
    form = _one_text(form)
    pieces: list[exp.Expr] = []
    waiting = list(values)
    for text, spec in re.findall(r"((?:[^%]|%%)+)|(%[-+0-9.]*[a-zA-Z])", form.this):
        if text:
            pieces.append(exp.Literal.string(text.replace("%%", "%")))
            continue
        value = waiting.pop(0)
        if spec in ("%d", "%s"):
            pieces.append(_cast(value.copy(), "string"))
        elif re.fullmatch(r"%(\.[0-9])?[fg]", spec):
            pieces.append(fn(FORMAT, spec, _cast(value.copy(), "double")))
        else:
            raise NotImplementedError(f"this format: {form.this}")
    if waiting:
        raise NotImplementedError(f"more values than places: {form.this}")
    return fn("CONCAT", *pieces)


def _one_text(node: exp.Expr) -> exp.Expr:
    """Texts joined by || as one, where they are literals."""
    if isinstance(node, exp.DPipe):
        parts = [_one_text(node.this), _one_text(node.expression)]
        return exp.Literal.string("".join(part.this for part in parts))
    if not node.is_string:
        raise NotImplementedError(f"a format that is no text: {node.sql('duckdb')}")
    return node


def _hash(*values: exp.Expr) -> exp.Expr:
    """64 bits that tell NULL from nothing; Spark's hash has 32 and passes over NULLs."""
    return fn("MD5", fn("TO_JSON", fn("ARRAY", *[_cast(v.copy(), "string") for v in values])))


def _series(node: exp.GenerateSeries) -> exp.Expr:
    """Empty where the end lies before the start; Spark would count down."""
    start, end = node.args["start"], node.args["end"]
    if node.args.get("step") is not None:
        raise NotImplementedError("generate_series with a step")
    backwards = exp.LT(this=end.copy(), expression=start.copy())
    series = fn("SEQUENCE", _cast(start.copy(), "bigint"), _cast(end.copy(), "bigint"))
    nothing = fn(
        "SLICE", fn("SEQUENCE", _cast(start.copy(), "bigint"), _cast(start.copy(), "bigint")), 1, 0
    )
    return _case((backwards, nothing), other=series)


def _subscripts(array: exp.Expr, dimension: exp.Expr) -> exp.Expr:
    if dimension.this != "1":
        raise NotImplementedError("subscripts of another dimension than the first")
    return fn("TRANSFORM", array, exp.Lambda(
        this=_cast(exp.Add(this=exp.column("_i"), expression=exp.Literal.number(1)), "bigint"),
        expressions=[exp.to_identifier("_x"), exp.to_identifier("_i")],
    ))  # fmt: skip


def _bracket(node: exp.Bracket) -> exp.Expr:
    """A place beyond the end is NULL in DuckDB and an error in Spark."""
    index = node.expressions[0]
    # sqlglot counts from 0 where it knows a list to be one.
    is_unknown = isinstance(node.this, exp.Anonymous) and node.this.name == "PERCENTILE"
    if len(node.expressions) != 1 or isinstance(index, exp.Slice) or is_unknown:
        raise NotImplementedError(f"this place: {node.sql('duckdb')}")
    if index.is_int:
        return fn("GET", node.this, index)
    return fn("TRY_ELEMENT_AT", node.this, index)


def _contains(node: exp.ArrayContains) -> exp.Expr:
    """False where the value is not there, also beside a NULL in the list."""
    found = fn("ARRAY_CONTAINS", node.this, node.expression)
    absent = exp.Is(this=exp.Paren(this=node.this.copy()), expression=exp.Null())
    return _case((absent, exp.Null()), other=fn("COALESCE", found, exp.false()))


_NAMED: dict[str, Callable[..., exp.Expr]] = {
    "isfinite": _is_finite,
    "printf": _printf,
    "hash": _hash,
    "try_strptime": _try_strptime,
    "generate_subscripts": _subscripts,
    "regexp_split_to_array": _split_by,
}
_CHANGES: dict[type, Callable[..., exp.Expr]] = {
    exp.Literal: _literal,
    exp.Div: _division,
    exp.Ln: _logarithm,
    exp.Log: _logarithm,
    exp.Round: _round,
    exp.Floor: _floor,
    exp.Ceil: _floor,
    exp.Cast: _to_type,
    exp.TryCast: _try_type,
    exp.RegexpLike: _regexp_like,
    exp.RegexpFullMatch: _regexp_full_match,
    exp.RegexpExtract: _regexp_extract,
    exp.RegexpExtractAll: _regexp_extract,
    exp.RegexpReplace: _regexp_replace,
    exp.RegexpSplit: _regexp_split,
    exp.Split: _split,
    exp.GenerateSeries: _series,
    exp.Bracket: _bracket,
    exp.ArrayContains: _contains,
}

"""One example for each way in which Spark would mean something else, with the answer of both.

Each case is a query of DuckDB's, with macros of the project, and the rows that it has there and
must have in Spark. What plain translation gives in place of it stands behind.
"""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

INF = float("inf")


class Case(NamedTuple):
    """A query and its rows, in order."""

    name: str
    sql: str
    rows: list[tuple[Any, ...]]


def over(name: str, expression: str, given: dict[Any, Any], kind: str = "VARCHAR") -> Case:
    """A case of one expression of ``x``, by the values of ``x``."""
    cells = ", ".join(
        f"({i}, CAST({_sql(value)} AS {kind}))" for i, value in enumerate(given, start=1)
    )
    sql = f"SELECT {expression} AS y FROM (VALUES {cells}) AS t(i, x) ORDER BY i"
    return Case(name, sql, [(value,) for value in given.values()])


def _sql(value: Any) -> str:
    if value is None:
        return "NULL"
    return "'" + str(value).replace("'", "''") + "'" if isinstance(value, str) else repr(value)


CASES: tuple[Case, ...] = (
    # Partial dates become their first day in Spark; years before the days of ISO do too.
    over(
        "full_date",
        "full_date(x)",
        {
            "2014-01-02": date(2014, 1, 2),
            " 2014-1-2 ": date(2014, 1, 2),
            "2014/01/02": date(2014, 1, 2),
            "2014-01": None,
            "2014": None,
            "2014-01-02T10:30": date(2014, 1, 2),
            "2014-02-30": None,
            "20140102": date(2014, 1, 2),
            "2014013": date(2014, 1, 3),
            "201401": None,
            "02JAN2014": date(2014, 1, 2),
            "2jan2014": date(2014, 1, 2),
            "31FEB2014": None,
            "02XYZ2014": None,
            "UN-JAN-2014": None,
            "epoch": None,
            " infinity": None,
            "-inf": None,
            "02JAN2014\n": date(2014, 1, 2),
            "\t20140102": date(2014, 1, 2),
            "02ANF2014": None,
            "": None,
            None: None,
        },
    ),
    over(
        "partial_period",
        "partial_period(x).middle_date",
        {
            "2014-01": date(2014, 1, 15),
            "2014": date(2014, 6, 30),
            "2014---15": date(2014, 6, 30),
            "2014-01-02": None,
            "2014-13": None,
            "2014\n1": None,
            None: None,
        },
    ),
    # Spark's try_cast gives NULL for '12.0', '12.7' and '1e3'.
    over(
        "whole_day",
        "whole_day(x)",
        {
            "42": 42,
            "42.0": 42,
            " 42 ": 42,
            "-3": -3,
            "12.7": None,
            "1e3": 1000,
            "1_000": 1000,
            "0x1A": 26,
            "99999999999": None,
            "1d": None,
            "": None,
            "day 3": None,
            None: None,
        },
    ),
    over(
        "try_cast_integer",
        "try_cast(x AS INTEGER)",
        {"12.5": 13, "-12.5": -13, "12.4": 12, ".5": 1, "1d": None, "x": None},
    ),
    # Spark takes '1d' and '1.5f' for numbers.
    over(
        "finite_number",
        "finite_number(x)",
        {
            "12.0": 12.0,
            "1d": None,
            "1.5f": None,
            ".5": 0.5,
            "5.": 5.0,
            "+1e-3": 0.001,
            "1_000": None,
            "1e400": None,
            "nan": None,
            "inf": None,
            "\t12 ": 12.0,
            "12,5": None,
            "": None,
            None: None,
        },
    ),
    over(
        "try_cast_double",
        "try_cast(x AS DOUBLE)",
        {"1_0.5": 10.5, "-inf": -INF, "Infinity": INF, "1f": None, "0x1A": None},
    ),
    # Spark cuts off; DuckDB rounds, to even at a half.
    over(
        "cast_to_integer",
        "CAST(x AS INTEGER)",
        {2.5: 2, 3.5: 4, 2.7: 3, -2.7: -3, -0.4: 0},
        "DOUBLE",
    ),
    over(
        "round",
        "round(x, 2)",
        {1.005: 1.0, 1.015: 1.01, 2.675: 2.68, -2.675: -2.68, 0.125: 0.13},
        "DOUBLE",
    ),
    over("round_whole", "round(x)", {2.5: 3.0, -2.5: -3.0, 0.49999999999999994: 0.0}, "DOUBLE"),
    over("floor", "floor(x) / 2", {3.7: 1.5, -0.5: -0.5}, "DOUBLE"),
    # log is natural in Spark; of 0 and less it is NULL.
    over("log", "log(x)", {100.0: 2.0, 1000.0: 3.0, 0.0: -INF, None: None}, "DOUBLE"),
    over("ln", "ln(x)", {1.0: 0.0, 0.0: -INF, None: None}, "DOUBLE"),
    over("division", "3 / x", {2: 1.5, 0: INF, None: None}, "INTEGER"),
    over("division_below", "-x / 0", {2.0: -INF, None: None}, "DOUBLE"),
    # Digits of a decimal are few in Spark.
    over("literals", "x * (7 / 365.25)", {1.0: 7 / 365.25}, "DOUBLE"),
    # printf: Java rounds the written digits, pads %g, and writes 'null'.
    over(
        "printf",
        "printf('%g mm (%.1f %%)', x, x)",
        {
            12.0: "12 mm (12.0 %)",
            0.25: "0.25 mm (0.2 %)",
            1e20: "1e+20 mm (100000000000000000000.0 %)",
        },
        "DOUBLE",
    ),
    over(
        "printf_whole", "printf('day %d of %s', x, 'it')", {3: "day 3 of it", None: None}, "INTEGER"
    ),
    over(
        "short_number",
        "short_number(x)",
        {123.5: "124", 0.00012345: "0.0001234", 12.0: "12"},
        "DOUBLE",
    ),
    over(
        "visit_number_key",
        "visit_number_key(x)",
        {"3.0": "3", " 3 ": "3", "3a": "3A", "1e10": "1e+10"},
    ),
    # Patterns: $ stands before a last line end in Java, too; without 'g' only the first match.
    over("regexp_end", "regexp_matches(x, '^[0-9]{4}$')", {"2014": True, "2014\n": False}),
    over("regexp_options", "regexp_matches(x, 'lung', 'i')", {"LUNG": True, "liver": False}),
    over(
        "regexp_first",
        "regexp_replace(x, '[0-9]+', 'n')",
        {"T01 and T02": "Tn and T02", "T": "T", None: None},
    ),
    over(
        "regexp_all",
        "regexp_replace(x, '(^|[^0-9])0+([0-9])', '\\1\\2', 'g')",
        {"001/T007": "1/T7", "100": "100"},
    ),
    over("regexp_extract", "regexp_extract(x, '[0-9]+$')", {"T12": "12", "T": ""}),
    over(
        "site_without_side",
        "site_without_side(x)",
        {
            "Left femoral head": "FEMORAL HEAD",
            "FEMORAL HEAD, LEFT": "FEMORAL HEAD",
            "femoral head (L)": "FEMORAL HEAD",
            "LEFT": "",
        },
    ),
    over("full_match", "regexp_full_match(x, 'a|b')", {"a": True, "ab": False}),
    over("clean_text", "clean_text(x)", {" a ": "a", "\u00a0\t": None, "a b\n": "a b"}),
    over("split", "string_split(x, ',')[2]", {"a,b": "b", "a": None}),
    over("like", "x LIKE '%\\_ml' ESCAPE '\\'", {"a_ml": True, "aml": False}),
    over("hash", "hash(x, NULL) = hash(NULL, x)", {"a": False}),
    over("contains", "list_contains([x, NULL], 'a')", {"a": True, "b": False}),
    over("series", "generate_series(1, x)", {3: [1, 2, 3], 0: []}, "INTEGER"),
    # Aggregates.
    Case(
        "quantile",
        "SELECT quantile_cont(x, 0.25), quantile_cont(x, [0.1, 0.5]), median(x) "
        "FROM (SELECT CAST(v AS DOUBLE) AS x FROM (VALUES (1), (2), (4), (8)) AS t(v))",
        [(1.75, [1.3, 3.0], 3.0)],
    ),
    Case(
        "arg_max_passes_over_null",
        "SELECT arg_max(x, day), arg_min(x, day) FILTER (WHERE day > 1) "
        "FROM (VALUES ('a', 1), ('b', 2), (NULL, 3)) AS t(x, day)",
        [("b", "b")],
    ),
    Case(
        "ties_by_two_keys",
        "SELECT arg_min(x, (day, id)), any_value(x ORDER BY day, id) "
        "FROM (VALUES ('b', 1, 'z'), ('a', 1, 'y'), ('c', 2, 'x')) AS t(x, day, id)",
        [("a", "a")],
    ),
    Case(
        "null_within_a_struct",
        "SELECT min(struct_pack(day := day, id := id)).id, "
        "max(struct_pack(day := day, id := id)).id "
        "FROM (VALUES (1, 'a'), (CAST(NULL AS INTEGER), 'b')) AS t(day, id)",
        [("a", "b")],
    ),
    Case(
        "struct_larger",
        "SELECT struct_pack(a := x, b := 1) > struct_pack(a := 1, b := 0) "
        "FROM (VALUES (CAST(NULL AS INTEGER)), (0)) AS t(x) ORDER BY x",
        [(False,), (True,)],
    ),
    Case(
        "any_value",
        "SELECT any_value(x) FILTER (WHERE k > 1), any_value(x) "
        "FROM (VALUES (NULL, 1), ('a', 2)) AS t(x, k)",
        [("a", "a")],
    ),
    Case(
        "qualify_by_an_alias",
        "SELECT g, count(*) AS n FROM (VALUES (1), (1), (2)) AS t(g) GROUP BY g "
        "QUALIFY row_number() OVER (ORDER BY n DESC) = 1",
        [(1, 2)],
    ),
    Case(
        "values_beside_a_row",
        "SELECT said.word FROM (VALUES ('a', NULL)) AS t(x, y) "
        "CROSS JOIN LATERAL (VALUES ('x', t.x), ('y', t.y)) AS said(name, word) "
        "WHERE said.word <> ''",
        [("a",)],
    ),
    # Sums in the order that is stated: after 1e16 a 1 is lost, before it two are not.
    Case(
        "ordered_sums",
        "SELECT sum(x ORDER BY k), sum(x ORDER BY k) FILTER (WHERE k < 4), avg(x ORDER BY k), "
        "sum(x ORDER BY k) FILTER (WHERE k > 9) "
        "FROM (SELECT k, CAST(v AS DOUBLE) AS x FROM (VALUES (4, 0.5), (3, 1e16), (2, 1), (1, 1), "
        "(5, NULL)) AS t(k, v)) AS u",
        [(1e16 + 2, 1e16 + 2, (1e16 + 2) / 4, None)],
    ),
    # Worked out by Welford's steps by hand: 2, then 2.5 with 0.5, then 3 with 2.
    Case(
        "ordered_deviations",
        "SELECT stddev_samp(x ORDER BY k), stddev_pop(x ORDER BY k), "
        "stddev_samp(x ORDER BY k) FILTER (WHERE k = 1), "
        "stddev_pop(x ORDER BY k) FILTER (WHERE k = 1), stddev(x ORDER BY k) FILTER (WHERE k > 9) "
        "FROM (SELECT k, CAST(v AS DOUBLE) AS x FROM (VALUES (2, 3), (1, 2), (3, 4), (4, NULL)) "
        "AS t(k, v)) AS u",
        [(1.0, (2 / 3) ** 0.5, None, 0.0, None)],
    ),
    # Of a union BY NAME the columns stand in another order, or are not there.
    Case(
        "union_by_name",
        "WITH a AS (SELECT 'a' AS item, 1.5 AS value), b AS (SELECT 2.5 AS value, 3 AS n, "
        "'b' AS item), both_of_them AS (SELECT * FROM a UNION ALL BY NAME SELECT * FROM b) "
        "SELECT item, CAST(value AS DOUBLE), n FROM both_of_them ORDER BY item",
        [("a", 1.5, None), ("b", 2.5, 3)],
    ),
    Case(
        "string_agg",
        "SELECT string_agg(x, ', ' ORDER BY k), string_agg(DISTINCT x, '/' ORDER BY x), "
        "string_agg(x, ', ') FILTER (WHERE k > 9) "
        "FROM (VALUES ('b', 1), ('a', 2), (NULL, 3), ('b', 4)) AS t(x, k)",
        [("b, a, b", "a/b", None)],
    ),
    Case(
        "string_agg_in_a_window",
        "SELECT i, string_agg(x, ', ' ORDER BY x) OVER g FROM (VALUES (1, 'b', 1), (2, 'a', 1), "
        "(3, 'c', 2)) AS t(i, x, g) WINDOW g AS (PARTITION BY g) ORDER BY i",
        [(1, "a, b"), (2, "a, b"), (3, "c")],
    ),
    Case(
        "list_keeps_null_and_order",
        "SELECT list(x ORDER BY k), list(x) FILTER (WHERE k > 9) "
        "FROM (VALUES ('b', 1), (NULL, 2), ('a', 3)) AS t(x, k)",
        [(["b", None, "a"], None)],
    ),
    Case(
        "filter_in_a_window",
        "SELECT i, count(*) FILTER (WHERE x > 1) OVER (PARTITION BY g), "
        "count(DISTINCT x) OVER (PARTITION BY g), "
        "median(x) FILTER (WHERE x > 1) OVER (PARTITION BY g) "
        "FROM (VALUES (1, 1, 1), (2, 2, 1), (3, 2, 1), (4, 5, 2)) AS t(i, x, g) ORDER BY i",
        [(1, 2, 2, 2.0), (2, 2, 2, 2.0), (3, 2, 2, 2.0), (4, 1, 1, 5.0)],
    ),
    Case(
        "named_window_with_an_order",
        "SELECT i, lag(x) OVER (w ORDER BY i) FROM (VALUES (1, 5, 1), (2, 6, 1)) AS t(i, x, g) "
        "WINDOW w AS (PARTITION BY g) ORDER BY i",
        [(1, None), (2, 5)],
    ),
    Case(
        "nulls_last",
        "SELECT x, row_number() OVER (ORDER BY x DESC) FROM (VALUES (1), (NULL), (2)) AS t(x) "
        "ORDER BY x",
        [(1, 2), (2, 1), (None, 3)],
    ),
    Case(
        "unnest_side_by_side",
        "SELECT unnest(['a', 'b']) AS name, unnest([x, x + 1, x + 2]) AS number "
        "FROM (VALUES (1)) AS t(x) ORDER BY number",
        [("a", 1), ("b", 2), (None, 3)],
    ),
    # Windows and aggregates within what is walked through: an error in Spark.
    Case(
        "unnest_of_windows",
        "SELECT item, place, n FROM (SELECT "
        "unnest(['from above: ', 'from below: ']) || name AS item, "
        "unnest([rank() OVER (ORDER BY x DESC), rank() OVER (ORDER BY x)]) AS place, x + 1 AS n "
        "FROM (VALUES ('a', 5), ('b', 7)) AS t(name, x)) AS walked ORDER BY item",
        [
            ("from above: a", 2, 6),
            ("from above: b", 1, 8),
            ("from below: a", 1, 6),
            ("from below: b", 2, 8),
        ],
    ),
    Case(
        "unnest_of_aggregates",
        "SELECT g, item, n FROM (SELECT g, unnest(['rows', 'sum']) AS item, "
        "unnest([count(*), CAST(sum(x) AS BIGINT)]) AS n "
        "FROM (VALUES (1, 5), (1, 7), (2, 1)) AS t(g, x) GROUP BY g) AS walked ORDER BY g, item",
        [(1, "rows", 2), (1, "sum", 12), (2, "rows", 1), (2, "sum", 1)],
    ),
    Case(
        "unnest_in_an_expression",
        "SELECT trim(unnest(string_split(x, '+'))) AS part "
        "FROM (VALUES ('T1 + T2')) AS t(x) ORDER BY part",
        [("T1",), ("T2",)],
    ),
    Case(
        "group_by_all",
        "SELECT upper(x) AS word, count(*) AS n FROM (VALUES ('a'), ('A'), ('b')) AS t(x) "
        "GROUP BY ALL ORDER BY word",
        [("A", 2), ("B", 1)],
    ),
    Case(
        "qualify",
        "SELECT x FROM (VALUES (1, 'a'), (2, 'a'), (3, 'b')) AS t(x, g) "
        "QUALIFY row_number() OVER (PARTITION BY g ORDER BY x DESC) = 1 ORDER BY x",
        [(2,), (3,)],
    ),
    Case(
        "days_between",
        "SELECT date_diff('day', DATE '2014-01-30', DATE '2014-03-01'), "
        "day_from_first_dose('1', NULL, DATE '2014-01-01', 'sdtm', 0), "
        "day_from_first_dose(NULL, '2014-01-05', DATE '2014-01-01', 'sdtm', 0)",
        [(30, 0, 4)],
    ),
    Case(
        "distinct_from",
        "SELECT NULL IS NOT DISTINCT FROM NULL, greatest(1, NULL, 3), "
        "concat_ws('/', 'a', NULL, 'b')",
        [(True, 3, "a/b")],
    ),
)

"""Disposition, baseline characteristics and response by arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from flows.tlf.content import Table, interval, number, share
from flows.tlf.study import Study
from udfs.comparisons.balance import (
    StandardizedDifference,
    standardized_mean_difference,
    standardized_share_difference,
)
from udfs.comparisons.binomial import clopper_pearson
from udfs.comparisons.rate_difference import miettinen_nurminen

if TYPE_CHECKING:
    import pandas as pd

ITT = "Intent-to-treat population"
MEASURED = {
    "age": "Age (years)",
    "bmibl": "Body mass index (kg/m2)",
    "bsabl": "Body surface area (m2)",
    "ldhratbl": "LDH over its upper limit of normal",
    "nles": "Lesions per subject",
    "ntgtles": "Target lesions per subject",
}
COUNTED = {
    "agegr1": "Age group (years)",
    "sex": "Sex",
    "race": "Race",
    "ecogbl": "ECOG performance status",
    "krasstat": "KRAS status",
    "primsite": "Primary tumor site",
    "lineth": "Line of therapy",
    "prsurgfl": "Prior surgery",
    "prradfl": "Prior radiation",
    "pradjfl": "Prior adjuvant therapy",
}
RESPONSES = ("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE")
NOT_ASSESSED = "Not assessed"


def heads(study: Study, *, with_total: bool) -> tuple[str, ...]:
    """Heads of the arms' columns with their sizes."""
    columns = [f"{arm}\n(N={n})" for arm, n in study.size.items()]
    return (*columns, f"Total\n(N={len(study.adsl)})") if with_total else tuple(columns)


def _by_arm(study: Study, rows: pd.DataFrame, *, with_total: bool = True) -> list[pd.DataFrame]:
    """The rows of each arm, and of all."""
    parts = [rows[rows["trt01p"] == arm] for arm in study.arms]
    return [*parts, rows] if with_total else parts


def disposition(study: Study) -> Table:
    """Who was screened, entered, was treated, is analysed and why not, and died (CONSORT)."""
    total = study.adsl
    counts: list[tuple[str, pd.Series]] = [
        ("Entered the trial", total["ittfl"] == "Y"),
        ("Treated", total["saffl"] == "Y"),
        ("  Not treated", total["saffl"] != "Y"),
        ("In the lesion analysis", total["lesfl"] == "Y"),
        ("  Not in it", total["lesfl"] != "Y"),
    ]
    counts += [
        (f"    {reason}", total["exclrsn"] == reason)
        for reason in sorted(total["exclrsn"].dropna().unique())
    ]
    counts += [
        ("Died", total["dthfl"] == "Y"),
        ("Last known alive", total["dthfl"] != "Y"),
    ]
    rows = []
    for words, chosen in counts:
        sizes = [*study.size.values(), len(total)]
        found = _by_arm(study, total[chosen])
        rows.append((words, *(share(len(f), n) for f, n in zip(found, sizes, strict=True))))
    n_screened, n_failed = len(study.screened), int((study.screened["ittfl"] != "Y").sum())
    blank = ("",) * len(study.arms)
    first = (("Screened", *blank, str(n_screened)), ("  Screen failures", *blank, str(n_failed)))
    no_arm = n_screened - n_failed - len(total)
    notes = ["Counts with percentages of the subjects who entered the trial."]
    if no_arm:
        notes.append(f"{no_arm} subjects who entered have no arm, and are in no column.")
    return Table(
        "14.1.1", "disposition", "Disposition of Subjects", "All subjects",
        ("", *heads(study, with_total=True)), (*first, *rows), tuple(notes),
    )  # fmt: skip


def characteristics(study: Study) -> Table:
    """Table 1: measured and counted characteristics by arm, with standardized differences."""
    is_compared = len(study.arms) == 2
    rows: list[tuple[str, ...]] = []
    for variable, words in MEASURED.items():
        if study.adsl[variable].notna().any():
            rows += _measured(study, variable, words, is_compared=is_compared)
        if variable == "age":
            rows += _counted(study, "agegr1", COUNTED["agegr1"], is_compared=is_compared)
    for variable, words in COUNTED.items():
        if variable != "agegr1" and study.adsl[variable].notna().any():
            rows += _counted(study, variable, words, is_compared=is_compared)
    columns = ["", *heads(study, with_total=True)]
    notes = ["Percentages are of subjects with a known value; unknown ones are a row of their own."]
    if is_compared:
        columns.append("Standardized\ndifference")
        notes.append(
            f"Standardized difference of {study.arms[1]} from {study.arms[0]}: of means over the "
            "pooled standard deviation, of shares after Yang and Dalton (2012)."
        )
    return Table(
        "14.1.2", "baseline_characteristics", "Demographic and Baseline Characteristics", ITT,
        tuple(columns), tuple(rows), tuple(notes),
    )  # fmt: skip


def _difference(found: StandardizedDifference) -> str:
    return "" if found.reason else number(found.value, 2)


def _measured(
    study: Study, variable: str, words: str, *, is_compared: bool
) -> list[tuple[str, ...]]:
    parts = [p[variable].dropna().to_numpy(float) for p in _by_arm(study, study.adsl)]
    texts = {
        "  n": [str(v.size) for v in parts],
        "  Mean (SD)": [
            f"{number(v.mean() if v.size else np.nan)} "
            f"({number(v.std(ddof=1) if v.size > 1 else np.nan, 2)})"
            for v in parts
        ],
        "  Median": [number(np.median(v) if v.size else np.nan) for v in parts],
        "  Min, max": [
            f"{number(v.min() if v.size else np.nan)}, {number(v.max() if v.size else np.nan)}"
            for v in parts
        ],
    }
    apart: tuple[str, ...] = ()
    if is_compared:
        apart = (_difference(standardized_mean_difference(parts[1], parts[0])),)
    blank = ("",) * len(apart)
    return [
        (words, *("",) * len(parts), *apart),
        *((label, *cells, *blank) for label, cells in texts.items()),
    ]


def _counted(
    study: Study, variable: str, words: str, *, is_compared: bool
) -> list[tuple[str, ...]]:
    parts = [p[variable] for p in _by_arm(study, study.adsl)]
    levels = sorted(parts[-1].dropna().unique())
    counts = [[int((p == level).sum()) for level in levels] for p in parts]
    apart: tuple[str, ...] = ()
    if is_compared:
        apart = (_difference(standardized_share_difference(counts[1], counts[0])),)
    blank = ("",) * len(apart)
    rows = [(words, *("",) * len(parts), *apart)]
    for place, level in enumerate(levels):
        label = {"Y": "Yes", "N": "No", "F": "Female", "M": "Male"}.get(level, level)
        label = f"{label:g}" if isinstance(label, float) else str(label)
        cells = (share(c[place], sum(c)) for c in counts)
        rows.append((f"  {label}", *cells, *blank))
    if parts[-1].isna().any():
        rows.append(("  Unknown", *(str(int(p.isna().sum())) for p in parts), *blank))
    return rows


def best_responses(study: Study, parameter: str) -> pd.Series:
    """Best response of each subject who entered, by the reader who counts; by USUBJID."""
    rows = study.adrs[(study.adrs["paramcd"] == parameter) & (study.adrs["anl01fl"] == "Y")]
    best = rows.set_index("usubjid")["avalc"]
    return best.reindex(study.adsl["usubjid"]).fillna(NOT_ASSESSED)


def response(study: Study) -> Table:
    """Best overall response by arm, rates with exact limits, and differences from the reference."""
    rows: list[tuple[str, ...]] = []
    for parameter, words in (("CBOR", "Confirmed"), ("BOR", "Unconfirmed")):
        rows += _response_rows(study, parameter, words)
    percent = f"{100 * study.confidence:g}% CI"
    notes = [
        "Responses by RECIST 1.1, worked out from the lesions (ADRS). Percentages are of all "
        "subjects of the arm: those not assessed or not evaluable are non-responders.",
        f"Rates: Clopper-Pearson {percent}.",
    ]
    if len(study.arms) > 1:
        notes.append(
            f"Differences from {study.arms[0]} in percentage points: Miettinen-Nurminen {percent}."
        )
    return Table(
        "14.2.1", "response", "Best Overall Response and Response Rates", ITT,
        ("", *heads(study, with_total=False)), tuple(rows), tuple(notes),
    )  # fmt: skip


def _response_rows(study: Study, parameter: str, words: str) -> list[tuple[str, ...]]:
    best = best_responses(study, parameter)
    arm = study.adsl.set_index("usubjid")["trt01p"]
    parts = {a: best[arm[best.index].to_numpy() == a] for a in study.arms}
    blank = ("",) * len(parts)
    rows = [(f"{words} best overall response", *blank)]
    for level in (*RESPONSES, NOT_ASSESSED):
        if level in set(best) or level in ("CR", "PR", "SD", "PD"):
            cells = (share(int((p == level).sum()), len(p)) for p in parts.values())
            rows.append((f"  {level}", *cells))
    groups = {
        "Objective response rate (CR or PR)": ("CR", "PR"),
        "Disease control rate (CR, PR, SD or NON-CR/NON-PD)": RESPONSES[:4],
    }
    for label, kinds in groups.items():
        counts = {a: (int(p.isin(kinds).sum()), len(p)) for a, p in parts.items()}
        rows.append((label, *(share(*c) for c in counts.values())))
        exact = [clopper_pearson(*c, confidence=study.confidence) for c in counts.values()]
        percent = f"  {100 * study.confidence:g}% CI (%)"
        rows.append((percent, *(interval(100 * e.lower, 100 * e.upper) for e in exact)))
        if len(study.arms) > 1:
            reference = counts[study.arms[0]]
            apart = [
                miettinen_nurminen(*counts[a], *reference, confidence=study.confidence)
                for a in study.arms[1:]
            ]
            rows.append(("  Difference", "", *(number(100 * d.difference) for d in apart)))
            rows.append((percent, "", *(interval(100 * d.lower, 100 * d.upper) for d in apart)))
    return rows

"""The lesions of every subject, one line each."""

from __future__ import annotations

import pandas as pd

from flows.tlf.content import Table, number
from flows.tlf.study import Study


def lesions(study: Study) -> Table:
    """Lesions of the analysis reader: organ, size at baseline, smallest and last, events."""
    rows = study.adles.merge(
        study.adsl[["usubjid", "trt01p"]], on="usubjid", how="inner", suffixes=("", "_adsl")
    )
    rows = rows.assign(place=rows["trt01p"].map({arm: at for at, arm in enumerate(study.arms)}))
    rows = rows.sort_values(["place", "usubjid", "aseq"])
    lines = tuple(
        (
            row.usubjid,
            row.trt01p,
            f"{row.aseq}: {row.lnkid}" if isinstance(row.lnkid, str) else f"{row.aseq}",
            row.lestype.lower(),
            row.lesorg,
            "" if pd.isna(row.bldiam) else number(row.bldiam),
            "" if pd.isna(row.nadrat) else number(100 * (row.nadrat - 1)),
            "" if pd.isna(row.lastrat) else number(100 * (row.lastrat - 1)),
            _event(row.rspdays, row.rspcnsr),
            _event(row.prgdays, row.prgcnsr),
        )
        for row in rows.itertuples()
    )
    return Table(
        "16.2.1", "lesions", "Listing of Lesions", "Subjects with lesions",
        ("Subject", "Arm", "Lesion", "Type", "Organ", "Baseline\n(mm)", "Smallest\n(% change)",
         "Last\n(% change)", "Response\n(day)", "Progression\n(day)"),
        lines,
        ("Days count from the first dose as day 1; + is censored on that day. Changes in diameter "
         "from baseline are those of target lesions with a baseline and a later scan (ADLES).",),
    )  # fmt: skip


def _event(day: float, censor: float) -> str:
    if pd.isna(day):
        return ""
    return f"{day:g}" if censor == 0 else f"{day:g}+"

"""Tables of one trial that can be edited row by row, and that remember where each row ends up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

Values = dict[str, str | None]


@dataclass(eq=False)
class Row:
    """One record. ``number`` (1 = first after the header) is set once the sheet is finished."""

    values: Values
    number: int = 0

    def __getitem__(self, column: str) -> str | None:
        return self.values.get(column)

    def text(self, column: str) -> str:
        """The value, '' where blank."""
        return self.values.get(column) or ""

    def copy(self, **changes: str | None) -> Row:
        """Another row with the same values but for these."""
        return Row({**self.values, **changes})


class Sheet:
    """One domain of one trial: read by subject, edited in place, put together at the end."""

    def __init__(self, table: pa.Table) -> None:
        self.columns: list[str] = list(table.column_names)
        text = [column.cast(pa.string()) for column in table.columns]
        self._table = pa.table(dict(zip(self.columns, text, strict=True)))
        subjects = np.asarray(table["USUBJID"].to_pylist(), dtype=object)
        starts = np.flatnonzero(np.r_[True, subjects[1:] != subjects[:-1]][: len(subjects)])
        ends = np.r_[starts, len(subjects)][1:]
        self._blocks = {
            str(subjects[a]): (int(a), int(b)) for a, b in zip(starts, ends, strict=True)
        }
        self._touched: dict[str, list[Row]] = {}

    def rows(self, subject: str) -> list[Row]:
        """The subject's rows, in order; editing the list or its rows edits the sheet."""
        if subject not in self._touched:
            start, end = self._blocks.get(subject, (0, 0))
            records = self._table.slice(start, end - start).to_pylist()
            self._touched[subject] = [Row(record) for record in records]
        return self._touched[subject]

    def finish(self) -> pa.Table:
        """The table as edited; every row that was read knows its number afterwards."""
        end_of_table = self._table.num_rows
        blocks = {s: self._blocks.get(s, (end_of_table, end_of_table)) for s in self._touched}
        pieces: list[pa.Table] = []
        position = number = 0
        for subject, (start, end) in sorted(blocks.items(), key=lambda item: item[1]):
            pieces.append(self._widened(self._table.slice(position, start - position)))
            number += start - position
            rows = self._touched[subject]
            for row in rows:
                number += 1
                row.number = number
            pieces.append(table_of({c: [row.values.get(c) for row in rows] for c in self.columns}))
            position = end
        pieces.append(self._widened(self._table.slice(position)))
        return pa.concat_tables(pieces)

    def _widened(self, piece: pa.Table) -> pa.Table:
        for column in self.columns[len(piece.column_names) :]:
            piece = piece.append_column(column, pa.nulls(piece.num_rows, pa.string()))
        return piece


@dataclass
class Trial:
    """The sheets of one trial."""

    study_id: str
    sheets: dict[str, Sheet]
    subjects: list[str]
    reader: str
    """The reader whose records are analysed."""
    n_readers: int
    arms: list[tuple[str, str]]
    """(ARMCD, ARM) of its treatments, sorted."""
    used: dict[str, set[str]] = field(default_factory=dict)
    """What of each subject a defect already occupies: table names or lesion labels."""

    def rows(
        self, domain: str, subject: str, keep: Callable[[Row], bool] | None = None
    ) -> list[Row]:
        """Rows of a subject, all or those that ``keep`` accepts (then a new list)."""
        rows = self.sheets[domain].rows(subject) if domain in self.sheets else []
        return rows if keep is None else [row for row in rows if keep(row)]

    def dm(self, subject: str) -> Row:
        """The subject's row of DM."""
        return self.sheets["dm"].rows(subject)[0]

    def is_free(self, subject: str, label: str) -> bool:
        """Whether no defect touches this lesion yet."""
        return label not in self.used.get(subject, set())

    def targets(self, subject: str) -> dict[str, list[Row]]:
        """LDIAM rows of each target lesion of the analysed reader that no defect touches, by
        date.
        """
        out: dict[str, list[Row]] = {}
        for row in self.rows("tr", subject):
            is_size = row["TRTESTCD"] == "LDIAM" and row["TREVAL"] == self.reader
            if is_size and self.is_free(subject, row.text("TRLNKID")):
                out.setdefault(row.text("TRLNKID"), []).append(row)
        return out

    def plain_targets(self, subject: str, n_scans: int) -> Iterable[tuple[str, list[Row]]]:
        """Target lesions without a short axis, every size a number of 5 mm or more, enough
        scans.
        """
        short = {r["TRLNKID"] for r in self.rows("tr", subject) if r["TRTESTCD"] == "LPERP"}
        for label, rows in self.targets(subject).items():
            sizes = [millimetres(row) for row in rows]
            if len(rows) >= n_scans and label not in short and min(sizes) >= 5:
                yield label, rows

    def middle_size(self, subject: str) -> tuple[str, Row] | None:
        """The first size after the baseline, not the last one, of a lesion seen at three scans or
        more; None where the subject has no such lesion.
        """
        for label, rows in self.plain_targets(subject, 3):
            return label, rows[1]
        return None

    def scans(self, subject: str) -> list[str]:
        """Dates of the subject's scans by the analysed reader, first the baseline."""
        rows = self.rows("tr", subject, lambda row: row["TREVAL"] == self.reader)
        return sorted({row.text("TRDTC") for row in rows})

    def study_day(self, subject: str, when: str) -> str:
        """SDTM study day of a date, as text."""
        days = (as_date(when) - as_date(self.dm(subject).text("RFSTDTC"))).days
        return str(days + 1 if days >= 0 else days)


def as_date(text: str) -> date:
    """ISO text as a date."""
    return date.fromisoformat(text)


def later(text: str, days: int) -> str:
    """The ISO date some days later."""
    whole = text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text
    return (as_date(whole) + timedelta(days=days)).isoformat()[: len(text)]


def millimetres(row: Row) -> float:
    """Size of a TR row in mm; -1 where there is none."""
    return float(row["TRSTRESN"] or -1)


def set_size(row: Row, mm: float) -> None:
    """Writes a size as the row's trial does: in its unit, and in mm."""
    original = f"{mm / 10:.1f}" if row["TRORRESU"] == "cm" else f"{mm:g}"
    row.values.update({"TRORRES": original, "TRSTRESC": f"{mm:g}", "TRSTRESN": f"{mm:g}"})


def next_number(rows: list[Row], column: str) -> str:
    """One more than the largest number in a column."""
    return str(1 + max((int(row.text(column)) for row in rows if row[column]), default=0))


def insert_after(rows: list[Row], row: Row, new: Row) -> Row:
    """Puts a row behind another one of the same list."""
    rows.insert(next(i for i, other in enumerate(rows) if other is row) + 1, new)
    return new


def table_of(columns: dict[str, list[Any]]) -> pa.Table:
    """A table of text columns."""
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})

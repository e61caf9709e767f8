"""Products with the columns of a design, without writing factors out as zeros and ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from udfs.hazards.arrays import FloatArray, IntArray, sum_by
from udfs.hazards.design import Design


@dataclass(frozen=True)
class Columns:
    """n rows of p columns in the solver's units: numbers centred and divided by their standard
    deviation. A centred column has the same coefficient, since the baseline takes up the shift."""

    n_rows: int
    centre: FloatArray
    """(p,) what was taken from each number; 0 for factors."""
    scale: FloatArray
    """(p,) a coefficient in the user's unit is the solver's divided by this."""
    dense: FloatArray
    """(n, d) the numbers."""
    dense_at: IntArray
    """(d,) their places among the p columns."""
    cell: IntArray
    """(n,) the row's combination of the factors' levels: sums over rows go by these first, so that
    another factor hardly costs more."""
    n_cells: int
    """m, combinations that occur; 0 without factors."""
    factors: tuple[tuple[IntArray, int, int], ...]
    """(m,) codes (0: no column), first column and number of columns of each factor."""

    @property
    def n_columns(self) -> int:
        return len(self.scale)

    def times(
        self, b: FloatArray, out: FloatArray | None = None, scratch: FloatArray | None = None
    ) -> FloatArray:
        """(n,) the columns' sum weighted by b (p,); ``out`` and ``scratch`` (n,) are written to."""
        total = np.empty(self.n_rows) if out is None else out
        if len(self.dense_at):
            np.matmul(self.dense, b[self.dense_at], out=total)
        else:
            total.fill(0.0)
        if self.n_cells:
            by_cell = np.zeros(self.n_cells)
            for codes, first, k in self.factors:
                by_cell += np.concatenate(([0.0], b[first : first + k]))[codes]
            total += np.take(by_cell, self.cell, out=scratch, mode="clip")
        return total

    def transposed_times(self, r: FloatArray) -> FloatArray:
        """(p,) each column's sum over rows weighted by r (n,)."""
        total = np.zeros(self.n_columns)
        if len(self.dense_at):
            total[self.dense_at] = self.dense.T @ r
        if self.n_cells:
            by_cell = sum_by(self.cell, r, self.n_cells)
            for codes, first, k in self.factors:
                total[first : first + k] = sum_by(codes, by_cell, k + 1)[1:]
        return total


def columns_of(design: Design, order: IntArray) -> Columns:
    """The columns for the rows at ``order``, centred and scaled over these rows."""
    p = len(design.columns)
    centre, scale = np.zeros(p), np.ones(p)
    dense, dense_at = [], []
    codes: list[IntArray] = []
    places: list[tuple[int, int]] = []
    for term in design.terms:
        place = design.slices[term.name]
        if term.codes is not None:
            codes.append(term.codes[order])
            places.append((place.start, len(term.labels)))
            continue
        assert term.values is not None
        for j, column in enumerate(term.values[order].T):
            centre[place.start + j] = column.mean()
            centred = column - column.mean()
            spread = float(np.sqrt(np.mean(centred**2)))
            scale[place.start + j] = spread or 1.0
            dense.append(centred / scale[place.start + j])
            dense_at.append(place.start + j)
    block = np.array(dense).T if dense else np.zeros((len(order), 0))
    cell, by_cell = _cells(codes, [k for _, k in places])
    return Columns(
        len(order),
        centre,
        scale,
        np.asfortranarray(block),
        np.array(dense_at, dtype=np.intp),
        cell,
        len(by_cell[0]) if by_cell else 0,
        tuple((c, first, k) for c, (first, k) in zip(by_cell, places, strict=True)),
    )


def _cells(codes: list[IntArray], sizes: list[int]) -> tuple[IntArray, list[IntArray]]:
    """(n,) which combination of the factors' codes each row has, and (m,) codes by combination."""
    if not codes:
        return np.zeros(0, dtype=np.intp), []
    cell = np.zeros(len(codes[0]), dtype=np.intp)
    for code, k in zip(codes, sizes, strict=True):
        # Numbered anew after each factor, the numbers stay below rows times levels.
        cell = np.unique(cell * (k + 1) + code, return_inverse=True)[1].astype(np.intp)
    _, first = np.unique(cell, return_index=True)
    return cell, [code[first] for code in codes]

"""The columns of a hazard model: numbers, and factors with a chosen reference level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udfs.hazards.arrays import BoolArray, FloatArray, IntArray
from udfs.hazards.errors import ConstantTermError


@dataclass(frozen=True)
class Term:
    """One term of n rows: k columns that are tested together. Made by the functions below."""

    name: str
    labels: tuple[str, ...]
    """(k,) what each column stands for: a factor's level, or the name of a number."""
    sources: tuple[str, ...]
    """The variables that a new row must give, in the order of ``split``."""
    reference: str
    """The level that has no column; empty for numbers."""
    codes: IntArray | None
    """(n,) for a factor: 0 where the row has the reference, j where it has ``labels[j - 1]``."""
    values: FloatArray | None
    """(n, k) for numbers."""
    within: bool = False
    """Whether the levels are those of one factor within those of another."""

    @property
    def is_factor(self) -> bool:
        return self.codes is not None

    @property
    def n_rows(self) -> int:
        return len(self.codes if self.codes is not None else self._numbers())

    def rows(self, chosen: IntArray | BoolArray) -> Term:
        """The term for some of its rows (positions or flags); its levels stay as they are."""
        if self.codes is not None:
            return replace(self, codes=self.codes[chosen])
        return replace(self, values=self._numbers()[chosen])

    def less(self, label: str) -> Term | None:
        """The term without one column, a factor's level being counted as its reference; None if
        that was all.

        Raises:
            ValueError: there is no such column.
        """
        if label not in self.labels:
            raise ValueError(f"term {self.name!r} has no column {label!r}")
        k = self.labels.index(label)
        labels = self.labels[:k] + self.labels[k + 1 :]
        if not labels:
            return None
        if self.codes is None:
            return replace(self, labels=labels, values=np.delete(self._numbers(), k, axis=1))
        codes = np.where(self.codes == k + 1, 0, self.codes - (self.codes > k + 1))
        return replace(self, labels=labels, codes=codes)

    def encode(self, given: Mapping[str, ArrayLike]) -> FloatArray:
        """(m, k) columns for m new rows.

        Raises:
            ValueError: a variable is missing, or a level is not in the model.
        """
        lacking = [name for name in self.sources if name not in given]
        if lacking:
            raise ValueError(f"term {self.name!r}: no values for {', '.join(map(repr, lacking))}")
        if self.values is not None:
            return _as_numbers(self.name, given[self.sources[0]])
        if self.within:
            labels = _pair_labels(*(_as_text(name, given[name]) for name in self.sources))
            at_reference = _as_text(self.name, given[self.sources[0]]) == self.reference
        else:
            labels = _as_text(self.name, given[self.sources[0]])
            at_reference = labels == self.reference
        columns = (labels[:, None] == np.asarray(self.labels)[None, :]).astype(float)
        unknown = ~at_reference & ~columns.any(axis=1)
        if unknown.any():
            raise ValueError(
                f"term {self.name!r}: level {str(labels[unknown][0])!r} is not in the model; it "
                f"knows {', '.join(map(repr, (self.reference, *self.labels)))}"
            )
        columns[at_reference] = 0.0
        return columns

    def _numbers(self) -> FloatArray:
        assert self.values is not None
        return self.values


@dataclass(frozen=True)
class Design:
    """The terms of a model, side by side; no intercept (the baseline hazard takes its place)."""

    terms: tuple[Term, ...] = ()
    n_rows: int = 0
    slices: dict[str, slice] = field(default_factory=dict)
    """Each term's columns among the p of the model."""

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """(p,) term and label of each column."""
        return tuple((term.name, label) for term in self.terms for label in term.labels)

    def rows(self, chosen: IntArray | BoolArray) -> Design:
        """The same terms for some of the rows, given by positions or flags."""
        n = int(np.count_nonzero(chosen)) if chosen.dtype == bool else len(chosen)
        return replace(self, terms=tuple(term.rows(chosen) for term in self.terms), n_rows=n)

    def without(self, *names: str) -> Design:
        """The design less the named terms.

        Raises:
            ValueError: no such term.
        """
        for name in names:
            if name not in self.slices:
                raise ValueError(f"no term {name!r}; terms: {', '.join(self.slices)}")
        return _side_by_side([t for t in self.terms if t.name not in names], self.n_rows)

    def less(self, name: str, label: str) -> Design:
        """The design less one column of a term.

        Raises:
            ValueError: no such term or column.
        """
        rest = self.without(name)
        reduced = next(term for term in self.terms if term.name == name).less(label)
        if reduced is None:
            return rest
        kept = [reduced if term.name == name else term for term in self.terms]
        return _side_by_side(kept, self.n_rows)

    def plus(self, *terms: Term) -> Design:
        """The design and further terms.

        Raises:
            ValueError: as ``design``.
        """
        return design(*self.terms, *terms, n_rows=self.n_rows)

    def matrix(self) -> FloatArray:
        """(n, p) the columns written out."""
        parts = []
        for term in self.terms:
            if term.codes is None:
                parts.append(term._numbers())
            else:
                levels = np.arange(1, len(term.labels) + 1)
                parts.append((term.codes[:, None] == levels).astype(float))
        return np.hstack(parts) if parts else np.zeros((self.n_rows, 0))

    def encode(self, given: Mapping[str, ArrayLike]) -> FloatArray:
        """(m, p) columns for m new rows, given each variable's values.

        Raises:
            ValueError: a variable is missing, or a level is not in the model.
        """
        if not self.terms:
            sizes = {np.size(values) for values in given.values()}
            return np.zeros((max(sizes, default=1), 0))
        return np.hstack([term.encode(given) for term in self.terms])


def design(*terms: Term, n_rows: int | None = None) -> Design:
    """Terms side by side.

    Args:
        terms: none, for a model of the random effect alone, or more.
        n_rows: number of rows, needed only where there is no term.

    Raises:
        ValueError: two terms share a name, or the terms have different numbers of rows.
    """
    names = [term.name for term in terms]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ValueError(f"term {doubled[0]!r} is given twice; give each term a name of its own")
    if n_rows is None:
        if not terms:
            raise ValueError("a design without terms needs n_rows")
        n_rows = terms[0].n_rows
    for term in terms:
        if term.n_rows != n_rows:
            raise ValueError(f"term {term.name!r} has {term.n_rows} rows, not {n_rows}")
    return _side_by_side(terms, n_rows)


def numeric(name: str, values: ArrayLike) -> Term:
    """Numbers as they are: the hazard is multiplied by exp(coefficient) per unit.

    Args:
        name: the variable's name.
        values: (n,) finite numbers, or (n, k) columns to be tested together.

    Raises:
        ValueError: a value is missing, infinite or not a number.
    """
    columns = _as_numbers(name, values)
    k = columns.shape[1]
    labels = (name,) if k == 1 else tuple(f"{name}[{j}]" for j in range(k))
    return Term(name, labels, (name,), "", None, columns)


def factor(
    name: str,
    values: ArrayLike,
    *,
    reference: Any = None,
    levels: Sequence[Any] | None = None,
) -> Term:
    """Categories, each compared with the reference.

    Args:
        name: the variable's name.
        values: (n,) texts, whole numbers or flags; compared as text.
        reference: the level that the others are compared with; by default the first.
        levels: the levels in the order wanted, of which those present get a column; by default
            those present, sorted.

    Raises:
        ValueError: a value is missing or not among ``levels``, the reference is not among the
            values, or only one level is present.
    """
    texts = _as_text(name, values)
    present, codes = np.unique(texts, return_inverse=True)
    ordered = [str(p) for p in present]
    if levels is not None:
        wanted = [str(level) for level in levels]
        unknown = [level for level in ordered if level not in wanted]
        if unknown:
            raise ValueError(
                f"term {name!r}: value {unknown[0]!r} is not among its levels {', '.join(wanted)}"
            )
        ordered = [level for level in wanted if level in set(ordered)]
    base = ordered[0] if reference is None and ordered else str(reference)
    _check_reference(name, base, ordered)
    labels = tuple(level for level in ordered if level != base)
    position = {level: j for j, level in enumerate((base, *labels))}
    order = np.array([position[str(p)] for p in present], dtype=np.intp)
    return Term(name, labels, (name,), base, order[codes], None)


def factor_within(
    name: str,
    values: ArrayLike,
    by: ArrayLike,
    *,
    reference: Any,
    sources: tuple[str, str],
) -> Term:
    """A factor's effect separately within each level of another: for example a treatment's hazard
    ratio within each organ. The model must hold the other factor as a term of its own.

    Columns are labelled ``level within other level``; a combination without rows has none.

    Args:
        name: the term's name.
        values: (n,) the factor whose effect is wanted.
        by: (n,) the other factor.
        reference: the level of ``values`` that its others are compared with, in every level of
            ``by``.
        sources: the names of the two variables, ``values`` first.

    Raises:
        ValueError: a value is missing, or the reference is not among the values.
    """
    texts, other = _as_text(name, values), _as_text(name, by)
    if texts.shape != other.shape:
        raise ValueError(f"term {name!r}: {len(texts)} values but {len(other)} of {sources[1]!r}")
    base = str(reference)
    _check_reference(name, base, [str(level) for level in np.unique(texts)])
    pairs = np.where(texts == base, "", _pair_labels(texts, other))
    present, codes = np.unique(pairs, return_inverse=True)
    return Term(
        name, tuple(str(p) for p in present[1:]), sources, base, codes.astype(np.intp), None, True
    )


def _side_by_side(terms: Sequence[Term], n_rows: int) -> Design:
    slices, start = {}, 0
    for term in terms:
        slices[term.name] = slice(start, start + len(term.labels))
        start += len(term.labels)
    return Design(tuple(terms), n_rows, slices)


def _check_reference(name: str, base: str, levels: list[str]) -> None:
    if base not in levels:
        raise ValueError(
            f"term {name!r}: no row has the reference level {base!r}; choose one of "
            f"{', '.join(levels) or 'its levels (it has no row at all)'}"
        )
    if len(levels) == 1:
        raise ConstantTermError(
            f"term {name!r}: every row has level {base!r}, a constant column; leave the term out",
            name,
        )


def _pair_labels(level: NDArray[np.str_], by: NDArray[np.str_]) -> NDArray[np.str_]:
    return np.char.add(np.char.add(level, " within "), by)


def _as_numbers(name: str, values: ArrayLike) -> FloatArray:
    try:
        numbers = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"term {name!r}: {error}; numbers are wanted") from None
    numbers = numbers.reshape(-1, 1) if numbers.ndim < 2 else numbers
    bad = ~np.isfinite(numbers).all(axis=1)
    if bad.any():
        raise ValueError(
            f"term {name!r}: {int(bad.sum())} of {len(numbers)} rows are missing or infinite, the "
            f"first is row {int(np.flatnonzero(bad)[0])}; leave them out or fill them in"
        )
    return numbers


def _as_text(name: str, values: ArrayLike) -> NDArray[np.str_]:
    raw = np.atleast_1d(np.asarray(values))
    missing = is_missing(raw)
    if missing.any():
        raise ValueError(
            f"term {name!r}: {int(missing.sum())} of {len(raw)} rows have no level, the first is "
            f"row {int(np.flatnonzero(missing)[0])}; leave them out or name their level"
        )
    return raw.astype(str)


def is_missing(values: NDArray[Any]) -> BoolArray:
    """(n,) whether a value is None, NaN, NaT or an empty text."""
    if values.dtype.kind in "biu":
        return np.zeros(len(values), dtype=bool)
    if values.dtype.kind in "fcmM":
        return np.isnan(values)
    if values.dtype.kind in "US":
        return np.asarray(values == "")
    return np.fromiter(
        (v is None or _is_empty(v) for v in values.tolist()), dtype=bool, count=len(values)
    )


def _is_empty(value: Any) -> bool:
    if isinstance(value, str):
        return value == ""
    # NaN, and the missing marks of pandas and its like, are not equal to themselves.
    return not isinstance(value == value, bool | np.bool_) or not bool(value == value)

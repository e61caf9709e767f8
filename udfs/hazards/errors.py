"""Why a hazard model cannot be fitted as asked: each kind of reason is an exception of its own, so
that a caller who takes something away takes away what is at fault."""

from __future__ import annotations


class HazardDataError(ValueError):
    """The rows cannot carry the model that was asked for."""


class NoEventError(HazardDataError):
    """No row has an event."""


class NoRepetitionError(HazardDataError):
    """A random effect cannot be told from the baseline hazard: one group, or one row per group."""


class NoPhenotypeError(HazardDataError):
    """Two models share no organ that could have a phenotype."""


class TermError(HazardDataError):
    """One term has no estimate.

    Args:
        message: what is wrong and what to do.
        term: name of the term.
        label: its level, or the number's name; empty where it is the whole term.
    """

    def __init__(self, message: str, term: str, label: str = "") -> None:
        super().__init__(message)
        self.term, self.label = term, label


class ConstantTermError(TermError):
    """The term is the same in all rows, or in all rows at risk together."""


class CollinearTermError(TermError):
    """The column follows from those before it."""


class EmptyLevelError(TermError):
    """A level has no row or no event."""


class SeparatedTermError(TermError):
    """The likelihood has no maximum in a column: its events fall on one side of it."""

"""What a study.yml says, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

STUDY_FILE = "study.yml"
LAYOUTS = ("sdtm", "lesion_long", "radiomics", "mapped")
DAY_CONVENTIONS = ("sdtm", "zero_based")
PATIENTS = ("known", "unknown")
LOCAL_TREATMENT_POLICIES = ("not_evaluable", "censored", "kept")
TEST_MEANINGS = (
    *("long_axis", "short_axis", "diameter", "viable_diameter", "volume"),
    *("state", "sum_of_diameters", "other"),
)
"""What a test code of TR may mean; sql/staging/study_test_code.sql says what becomes of each."""


@dataclass(frozen=True)
class ReadOptions:
    """How to read one file; what a format has no use for is refused when the file is read.

    ``header_rows`` and ``first_row`` are the sheet's own row numbers, from 1. Names that stand in
    several header rows are joined with ``header_join``, a merged cell counting for each cell that
    it covers.
    """

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_rows: tuple[int, ...] = ()
    header_join: str = " | "
    first_row: int | None = None
    stop_column: str | None = None
    stop_value: str | None = None
    skip_blank: bool = False


@dataclass(frozen=True)
class Join:
    """Columns of a second file, by key.

    ``on``: pairs of a column of the entry's file and one of the second. ``columns``: pairs of the
    name that a column gets and its own. ``match``: keys are compared as text or as number.
    """

    file: str
    on: tuple[tuple[str, str], ...]
    columns: tuple[tuple[str, str], ...]
    options: ReadOptions = ReadOptions()
    match: str = "text"


@dataclass(frozen=True)
class ColumnRule:
    """Where one raw variable comes from: exactly one of column, value and sql is set.

    An optional one is left out where the file has no such column.
    """

    variable: str
    column: str | None = None
    value: str | None = None
    sql: str | None = None
    mapping: tuple[tuple[str, str], ...] = ()
    is_optional: bool = False


@dataclass(frozen=True)
class DeriveEntry:
    """Rows of another domain made from the same file.

    One row per distinct value of ``distinct_on`` (the first record that has it), or one per record
    when it is empty. Records where a variable of ``require`` is blank add no row.
    """

    domain: str
    columns: tuple[ColumnRule, ...]
    distinct_on: tuple[str, ...] = ()
    require: tuple[str, ...] = ()


@dataclass(frozen=True)
class LongTable:
    """One row per measurement, columns found by their names (see lesion_long).

    ``columns`` are pairs of role and source column for those whose name is another one,
    ``constants`` pairs of role and the value that it has in every record.
    """

    columns: tuple[tuple[str, str], ...] = ()
    unit: str | None = None
    lesion_type: str | None = None
    constants: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class FeatureTable:
    """Which columns of a wide table are radiomic features (see radiomics).

    ``names`` is pyradiomics (columns named as it names them) or all (all that nothing else uses);
    ``columns``, where given, are they instead. ``regions`` are what names may begin with.
    ``is_said`` is not set where the columns' names alone decided: numbers beside the features are
    then refused.
    """

    names: str = "all"
    columns: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    is_said: bool = True


@dataclass(frozen=True)
class RadiomicsTable:
    """A table of radiomic features whose columns are found by their names (see radiomics).

    ``columns`` are pairs of role and source column for those whose name is another one.
    """

    columns: tuple[tuple[str, str], ...] = ()
    site: str | None = None
    is_exhaustive: bool | None = None
    constants: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class FileEntry:
    """One record entry of a study.yml: a file and the domain that its records become.

    With ``keep_columns`` the source's own columns are kept beside those of ``columns``. An entry
    with a ``long_table`` or ``radiomics`` becomes plain entries once the file's columns are known.
    With ``features`` each record becomes one row per feature column. ``date_formats`` and
    ``decimal`` say how the file writes dates and numbers (see values).
    """

    file: str
    domain: str
    columns: tuple[ColumnRule, ...] = ()
    derive: tuple[DeriveEntry, ...] = ()
    options: ReadOptions = ReadOptions()
    keep_columns: bool = False
    long_table: LongTable | None = None
    features: FeatureTable | None = None
    radiomics: RadiomicsTable | None = None
    joins: tuple[Join, ...] = ()
    date_formats: tuple[str, ...] = ()
    decimal: str = "."

    @property
    def files(self) -> tuple[str, ...]:
        """The file, then those that it is joined with."""
        return (self.file, *(join.file for join in self.joins))

    @property
    def domains(self) -> tuple[str, ...]:
        """The domain of the records, then those derived."""
        if self.long_table is not None:
            return ("tr", "tu", "dm", *(entry.domain for entry in self.derive))
        if self.radiomics is not None:
            return ("rf", "tu", "dm", *(entry.domain for entry in self.derive))
        return (self.domain, *(entry.domain for entry in self.derive))


@dataclass(frozen=True)
class Arm:
    """What an arm's label stands for."""

    arm: str
    treatment: str | None = None
    treatment_class: str | None = None
    backbone: str | None = None
    has_bevacizumab: bool | None = None
    has_panitumumab: bool | None = None


@dataclass(frozen=True)
class StudyFolder:
    """A folder that holds a study.yml, and the id it gives itself."""

    path: Path
    study_id: str


@dataclass(frozen=True)
class Study:
    """A study.yml, read and checked. ``ignored`` are data files that no entry names."""

    folder: Path
    study_id: str
    entries: tuple[FileEntry, ...]
    title: str | None = None
    tumor_type: str | None = None
    phase: str | None = None
    sponsor: str | None = None
    registry_id: str | None = None
    layout: str = "sdtm"
    day_convention: str = "sdtm"
    day_zero_rule: str | None = None
    patients: str = "known"
    readers: tuple[str, ...] = ()
    too_small_values: tuple[str, ...] = ()
    too_small_mm: float | None = None
    local_treatment: str | None = None
    line_of_therapy: int | None = None
    primary_site: str | None = None
    arms: tuple[Arm, ...] = ()
    sites: tuple[tuple[str, str], ...] = ()
    test_codes: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def domains(self) -> tuple[str, ...]:
        """Every domain that an entry loads or derives, sorted."""
        return tuple(sorted({name for entry in self.entries for name in entry.domains}))

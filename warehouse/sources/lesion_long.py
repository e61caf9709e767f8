"""The layout lesion_long: a table with one row per measurement, its columns found by name.

It becomes ``tr`` (one row per measurement and size), with ``tu`` and ``dm`` derived from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from warehouse.errors import LesionsError
from warehouse.sources.roles import columns_of_roles
from warehouse.sources.spec import ColumnRule, DeriveEntry, FileEntry, LongTable
from warehouse.sources.values import date_sql, number_sql
from warehouse.sources.wording import identifier, listed

# Role of a column -> names by which it is found, letter case aside; the first that is there counts.
ROLES: dict[str, tuple[str, ...]] = {
    "subject": (
        *("usubjid", "subjid", "subject", "subject_id", "patient", "patient_id", "patientid"),
        *("ptid", "rsubjid", "pid"),
    ),
    "lesion": ("lesion", "lesion_id", "lesionid", "lesion_number", "tumor", "tumor_id", "trlnkid"),
    "day": ("day", "days", "study_day", "time", "time_days", "treatment_day", "trdy"),
    "date": ("date", "scan_date", "visit_date", "assessment_date", "trdtc"),
    "diameter": (
        *("diameter", "diameter_mm", "diameter_cm", "longest_diameter", "longest_diameter_mm"),
        *("long_axis", "long_axis_mm", "ldiam", "size", "size_mm", "size_cm"),
    ),
    "short_axis": ("short_axis", "short_axis_mm", "shortaxis", "lperp"),
    "volume": ("volume_mm3", "volume_cm3", "volume_ml"),
    "unit": ("unit", "units"),
    "lesion_type": ("lesion_type", "lesiontype", "category", "target", "trgrpid"),
    "site": ("site", "organ", "location", "tuloc", "lesion_site"),
    "visit": ("visit", "visit_name"),
    "method": ("method", "modality", "trmethod"),
    "reader": ("reader", "evaluator", "treval"),
    "first_dose": (
        *("first_dose", "first_dose_date", "treatment_start", "treatment_start_date", "rfxstdtc"),
    ),
    "arm": ("arm", "study_arm", "treatment", "trt"),
    "age": ("age", "age_years"),
    "sex": ("sex", "gender"),
    "race": ("race",),
}

_SIZES = {
    "diameter": ("LDIAM", "Longest Diameter"),
    "short_axis": ("LPERP", "Longest Perpendicular"),
    "volume": ("VOLUME", "Volume"),
}
_SUFFIX_UNITS = {"_mm3": "mm3", "_cm3": "cm3", "_ml": "mL", "_mm": "mm", "_cm": "cm"}
_VARIABLES = {
    "usubjid": "subject",
    "trlnkid": "lesion",
    "trdy": "day",
    "trdtc": "date",
    "visit": "visit",
    "trmethod": "method",
    "treval": "reader",
}
_OF_PATIENT = {
    "usubjid": "subject",
    "rfxstdtc": "first_dose",
    "arm": "arm",
    "age": "age",
    "sex": "sex",
    "race": "race",
}


@dataclass(frozen=True)
class _Found:
    """Where each role comes from: a column, or one value for every record."""

    columns: dict[str, str]
    constants: dict[str, str]

    def __contains__(self, role: str) -> bool:
        return role in self.columns or role in self.constants

    def rule(self, variable: str, role: str) -> ColumnRule:
        """The role as a rule of a variable."""
        if role in self.constants:
            return ColumnRule(variable, value=self.constants[role])
        return ColumnRule(variable, column=self.columns[role])

    def rules(self, variables: dict[str, str]) -> list[ColumnRule]:
        """The same for those of some variables whose roles are there."""
        return [self.rule(name, role) for name, role in variables.items() if role in self]


def plain_entries(
    entry: FileEntry, columns: Sequence[str], *, place: str, has_patients: bool
) -> tuple[FileEntry, ...]:
    """A lesion_long entry as plain entries, one per size that the table has.

    What the entry derives itself is added, and stands in place of ``tu`` and ``dm`` where it
    derives these.

    Args:
        entry: the entry, with its long_table.
        columns: the file's columns.
        place: how to name the entry in a message.
        has_patients: whether the source has subject ids.

    Raises:
        LesionsError: a column that is needed is not there, or a size has no unit.
    """
    assert entry.long_table is not None
    table = entry.long_table
    constants = dict(table.constants)
    by_name = columns_of_roles(table.columns, ROLES, columns)
    found = _Found({k: v for k, v in by_name.items() if k not in constants}, constants)
    _check_needed(found, columns, place, has_patients)
    sizes = [size for size in _SIZES if size in found]
    shared = (*found.rules(_VARIABLES), _type_rule("trgrpid", table, found))
    entries = []
    for size in sizes:
        test, name = _SIZES[size]
        rules = (
            *shared,
            ColumnRule("trtestcd", value=test),
            ColumnRule("trtest", value=name),
            found.rule("trorres", size),
            _unit_rule(table, found, size, place),
        )
        derive = (*_derived(entry, found), *entry.derive) if size == sizes[0] else ()
        entries.append(replace(entry, columns=rules, derive=derive, long_table=None))
    return tuple(entries)


def _check_needed(found: _Found, columns: Sequence[str], place: str, has_patients: bool) -> None:
    groups = [("lesion",), ("day", "date"), tuple(_SIZES)]
    if has_patients:
        groups.insert(0, ("subject",))
    for roles in groups:
        if not any(role in found for role in roles):
            names = [name for role in roles for name in ROLES[role]]
            raise LesionsError(
                f"{place}: no column for {' or '.join(roles)}. The file has: {listed(columns)}. "
                f"Names that are found by themselves: {listed(names)}. Otherwise say under "
                f"'columns:' which one it is, as '{roles[0]}: NAME'."
                + (
                    " Where each patient has one lesion, say 'lesion: {value: T1}'."
                    if roles == ("lesion",)
                    else ""
                )
            )


def _type_rule(variable: str, table: LongTable, found: _Found) -> ColumnRule:
    """The lesion's type: the study.yml's word, else the column, else TARGET: it is measured."""
    if table.lesion_type is None and "lesion_type" in found:
        return found.rule(variable, "lesion_type")
    return ColumnRule(variable, value=table.lesion_type or "TARGET")


def _unit_rule(table: LongTable, found: _Found, size: str, place: str) -> ColumnRule:
    column = found.columns.get(size, "")
    for suffix, unit in _SUFFIX_UNITS.items():
        if column.casefold().endswith(suffix):
            return ColumnRule("trorresu", value=unit)
    if "unit" in found and size != "volume":
        return found.rule("trorresu", "unit")
    if size == "volume":
        raise LesionsError(
            f"{place}: the unit of the volume {column!r} is not stated. Give its column a name "
            "that ends in _mm3, _cm3 or _ml, or map the file with 'domain: tr' and 'columns:', "
            "where 'trorresu: {value: cm3}' says it."
        )
    if table.unit is None:
        raise LesionsError(
            f"{place}: the unit of {column!r} is not stated. Add 'unit: mm' (or cm) to the "
            "entry, or give the column a name that ends in _mm or _cm."
        )
    return ColumnRule("trorresu", value=table.unit)


def _derived(entry: FileEntry, found: _Found) -> tuple[DeriveEntry, ...]:
    """The lesions and the patients of the table, but what the entry derives itself."""
    assert entry.long_table is not None
    own = {inner.domain for inner in entry.derive}
    identity = found.rules({"usubjid": "subject", "tulnkid": "lesion", "tueval": "reader"})
    tumor = [
        *identity,
        ColumnRule("tutestcd", value="TUMIDENT"),
        ColumnRule("tutest", value="Tumor Identification"),
        _type_rule("tuorres", entry.long_table, found),
    ]
    if "site" in found:
        tumor.append(found.rule("tuloc", "site"))
    # Rows need not be sorted, so the first record is not the first scan.
    named = [identifier(rule.column) for rule in identity if rule.column is not None]
    lesion = f"PARTITION BY {', '.join(named)}" if named else ""
    if "day" in found.columns:
        cell = identifier(found.columns["day"])
        day = f"TRY_CAST({number_sql(cell) if entry.decimal == ',' else cell} AS DOUBLE)"
        tumor.append(ColumnRule("tudy", sql=f"min({day}) OVER ({lesion})"))
    if "date" in found.columns:
        date = identifier(found.columns["date"])
        if entry.date_formats:
            date = date_sql(date, entry.date_formats)
        tumor.append(ColumnRule("tudtc", sql=f"min({date}) OVER ({lesion})"))
    derived = [DeriveEntry("tu", tuple(tumor), tuple(rule.variable for rule in identity))]
    if "subject" in found:
        subject = found.rules(_OF_PATIENT)
        derived.append(DeriveEntry("dm", tuple(subject), ("usubjid",)))
    return tuple(inner for inner in derived if inner.domain not in own)

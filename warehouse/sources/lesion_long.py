"""The layout lesion_long: a table with one row per measurement, its columns found by name.

It becomes ``tr`` (one row per measurement and size), with ``tu`` and ``dm`` derived from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from warehouse.errors import LesionsError
from warehouse.sources.roles import columns_of_roles
from warehouse.sources.spec import ColumnRule, DeriveEntry, FileEntry, LongTable
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


def plain_entries(
    entry: FileEntry, columns: Sequence[str], *, place: str, has_patients: bool
) -> tuple[FileEntry, ...]:
    """A lesion_long entry as plain entries, one per size that the table has.

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
    found = columns_of_roles(table.columns, ROLES, columns)
    _check_needed(found, columns, place, has_patients)
    sizes = [size for size in _SIZES if size in found]
    shared = _shared_rules(table, found)
    entries = []
    for size in sizes:
        test, name = _SIZES[size]
        rules = (
            *shared,
            ColumnRule("trtestcd", value=test),
            ColumnRule("trtest", value=name),
            ColumnRule("trorres", column=found[size]),
            _unit_rule(table, found, size, place),
        )
        derive = _derived(table, found) if size == sizes[0] else ()
        entries.append(replace(entry, columns=rules, derive=derive, long_table=None))
    return tuple(entries)


def _check_needed(
    found: dict[str, str], columns: Sequence[str], place: str, has_patients: bool
) -> None:
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
            )


def _shared_rules(table: LongTable, found: dict[str, str]) -> tuple[ColumnRule, ...]:
    variables = {
        "usubjid": "subject",
        "trlnkid": "lesion",
        "trdy": "day",
        "trdtc": "date",
        "visit": "visit",
        "trmethod": "method",
        "treval": "reader",
    }
    rules = [
        ColumnRule(variable, column=found[role])
        for variable, role in variables.items()
        if role in found
    ]
    return (*rules, _type_rule("trgrpid", table, found))


def _type_rule(variable: str, table: LongTable, found: dict[str, str]) -> ColumnRule:
    """The lesion's type: the study.yml's word, else the column, else TARGET: it is measured."""
    if table.lesion_type is None and "lesion_type" in found:
        return ColumnRule(variable, column=found["lesion_type"])
    return ColumnRule(variable, value=table.lesion_type or "TARGET")


def _unit_rule(table: LongTable, found: dict[str, str], size: str, place: str) -> ColumnRule:
    column = found[size].casefold()
    for suffix, unit in _SUFFIX_UNITS.items():
        if column.endswith(suffix):
            return ColumnRule("trorresu", value=unit)
    if "unit" in found and size != "volume":
        return ColumnRule("trorresu", column=found["unit"])
    if table.unit is None or size == "volume":
        raise LesionsError(
            f"{place}: the unit of {found[size]!r} is not stated. Add 'unit: mm' (or cm) to the "
            "entry, or give the column a name that ends in _mm, _cm, _mm3 or _cm3."
        )
    return ColumnRule("trorresu", value=table.unit)


def _derived(table: LongTable, found: dict[str, str]) -> tuple[DeriveEntry, ...]:
    identity = [
        ColumnRule(variable, column=found[role])
        for variable, role in {
            "usubjid": "subject",
            "tulnkid": "lesion",
            "tueval": "reader",
        }.items()
        if role in found
    ]
    tumour = [
        *identity,
        ColumnRule("tutestcd", value="TUMIDENT"),
        ColumnRule("tutest", value="Tumor Identification"),
        _type_rule("tuorres", table, found),
    ]
    if "site" in found:
        tumour.append(ColumnRule("tuloc", column=found["site"]))
    # Rows need not be sorted, so the first record is not the first scan.
    lesion = ", ".join(identifier(rule.column or "") for rule in identity)
    if "day" in found:
        day = f"TRY_CAST({identifier(found['day'])} AS DOUBLE)"
        tumour.append(ColumnRule("tudy", sql=f"min({day}) OVER (PARTITION BY {lesion})"))
    if "date" in found:
        date = identifier(found["date"])
        tumour.append(ColumnRule("tudtc", sql=f"min({date}) OVER (PARTITION BY {lesion})"))
    derived = [DeriveEntry("tu", tuple(tumour), tuple(rule.variable for rule in identity))]
    if "subject" in found:
        subject = [
            ColumnRule(variable, column=found[role])
            for variable, role in {
                "usubjid": "subject",
                "arm": "arm",
                "age": "age",
                "sex": "sex",
                "race": "race",
            }.items()
            if role in found
        ]
        derived.append(DeriveEntry("dm", tuple(subject), ("usubjid",)))
    return tuple(derived)

"""Tables of radiomic features: one column per feature, or one row per lesion and feature.

``features:`` on an entry of domain ``rf`` turns a wide table into rows, one per record and feature
column. The layout ``radiomics`` finds the other columns by their names too, and derives the lesions
(``tu``) and the subjects (``dm``) from the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from warehouse.errors import LesionsError
from warehouse.sources.expressions import expression_columns
from warehouse.sources.roles import columns_of_roles
from warehouse.sources.spec import (
    ColumnRule,
    DeriveEntry,
    FeatureTable,
    FileEntry,
)
from warehouse.sources.values import date_sql
from warehouse.sources.wording import did_you_mean, identifier, listed, literal

# Role of a column -> names by which it is found, letter case aside; the first that is there counts.
ROLES: dict[str, tuple[str, ...]] = {
    "subject": (
        *("usubjid", "subjid", "subject", "subject_id", "patient", "patient_id", "patientid"),
        *("ptid", "pid", "id"),
    ),
    "lesion": ("lesion", "lesion_id", "lesionid", "tumor", "tumor_id", "nodule", "rflnkid"),
    "segmentation": ("segmentation", "rfsegm", "reader", "contour"),
    "region": ("region", "rfregion", "roi"),
    "day": ("day", "study_day", "time_days", "rfdy"),
    "date": ("date", "scan_date", "rfdtc"),
    "site": ("site", "organ", "location", "tuloc", "lesion_site"),
    "feature": ("feature", "feature_name", "rftestcd"),
    "value": ("value", "feature_value", "rforres"),
    "unit": ("unit", "units", "rforresu"),
    "class": ("class", "feature_class", "rfcat"),
    "exhaustive": ("exhaustive", "is_exhaustive", "rfallfl"),
}
_VARIABLES = {
    "usubjid": "subject",
    "rflnkid": "lesion",
    "rfsegm": "segmentation",
    "rfregion": "region",
    "rftestcd": "feature",
    "rforres": "value",
    "rforresu": "unit",
    "rfcat": "class",
    "rfdy": "day",
    "rfdtc": "date",
    "rfallfl": "exhaustive",
}
# <filter>_<class>_<feature>, as pyradiomics names them; what stands before is a region.
_PYRADIOMICS = re.compile(
    r"(?:.+_)?[A-Za-z][A-Za-z0-9.-]*_(?:firstorder|shape|shape2D|glcm|glrlm|glszm|gldm|ngtdm)_\w+"
)
# What tables of features carry beside them, an outcome, a label or a code of the patient's group:
# whole names, and words that make any name one (OS_days, PatientAge, Outcome_1y).
_NO_FEATURES = frozenset({
    "target", "label", "labels", "class", "y", "group", "response", "time", "fold", "split", "set",
    "center", "centre", "index", "treated",
})  # fmt: skip
_NO_FEATURE_WORDS = frozenset({
    "age", "alive", "arm", "braf", "cause", "censor", "censored", "days", "death", "dead", "dfs",
    "died", "ecog", "egfr", "event", "gender", "hpv", "idh", "kras", "months", "msi", "mutant",
    "mutated", "mutation", "nras", "os", "outcome", "patient", "pfs", "progression", "recist",
    "recurrence", "recurrent", "relapse", "responder", "sex", "stage", "status", "survival",
    "treatment", "vital",
})  # fmt: skip
# Columns that pyradiomics writes beside the features: what it ran with, and, where the mask has a
# column, the lesion's value in it.
_DIAGNOSTICS = "diagnostics_"
_MASK, _MASK_VALUES = "mask", frozenset({"label", "label_channel"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
CELL = "_feature_cell"
"""Column with one feature of a record: a struct of feature, region and value."""
FROM_CELL = {"rftestcd": "feature", "rfregion": "region", "rforres": "value"}


def is_pyradiomics(name: str) -> bool:
    """Whether a column is named as pyradiomics names features, with or without a region before."""
    return _PYRADIOMICS.fullmatch(name) is not None


def feature_columns(entry: FileEntry, columns: Sequence[str], place: str) -> tuple[str, ...]:
    """The columns of a wide table that are features, in the file's order.

    Raises:
        LesionsError: a column that is named is not there, none is a feature, or one that is taken
            with all others has the name of an outcome or a label.
    """
    table = entry.features
    assert table is not None
    used = {name.casefold() for name in _mapped(entry)}
    free = [name for name in columns if name.casefold() not in used]
    for name in (*table.columns, *table.without):
        if name not in columns:
            raise LesionsError(
                f"{place}: the file has no column {name!r}, which 'features' names."
                f"{did_you_mean(name, columns)} Columns in the file: {listed(columns)}."
            )
    if table.columns:
        found = [name for name in columns if name in table.columns]
    elif table.names == "pyradiomics":
        found = [name for name in free if _PYRADIOMICS.fullmatch(name)]
    else:
        found = free
    found = [name for name in found if name not in table.without]
    odd = [] if table.columns else [name for name in found if is_no_feature(name)]
    if odd:
        raise LesionsError(
            f"{place}: {listed(odd)} would count as a feature, and has the name of something else. "
            f"Say 'features: {{except: [{', '.join(odd)}]}}' to leave it out, or list the features "
            "as 'features: {columns: [...]}'."
        )
    if not found:
        raise LesionsError(
            f"{place}: no column is a feature. Named after pyradiomics they are like "
            "'original_glcm_Contrast'; for other names say 'features: all', or list them as "
            f"'features: {{columns: [...]}}'. Columns in the file: {listed(columns)}."
        )
    return tuple(found)


def check_others(
    entry: FileEntry,
    columns: Sequence[str],
    features: Sequence[str],
    is_number: Callable[[Sequence[str]], Sequence[str]],
    place: str,
) -> None:
    """Refuse numbers beside features that were found by pyradiomics' names, until they are said to
    be features or none: an outcome, a covariate or a feature of another name would go unseen.

    Args:
        entry: with its feature table.
        columns: the file's columns.
        features: those taken for features.
        is_number: of some columns those that hold numbers and nothing else.
        place: how to name the entry in a message.

    Raises:
        LesionsError: names the columns, and what to say.
    """
    table = entry.features
    if table is None or table.is_said or table.names != "pyradiomics":
        return
    known = {name.casefold() for name in (*_mapped(entry), *features)}
    if any(name.casefold() == _MASK for name in columns):
        known |= _MASK_VALUES
    free = [
        name
        for name in columns
        if name.casefold() not in known and not name.startswith(_DIAGNOSTICS)
    ]
    others = is_number(free)
    if others:
        raise LesionsError(
            f"{place}: {listed(others)} {'has' if len(others) == 1 else 'have'} numbers, and no "
            "name as pyradiomics gives features. Say 'features: pyradiomics' to take those "
            "named so and no others, or 'features: {except: [...]}' with what is no feature to "
            "take all the rest."
        )


def is_no_feature(name: str) -> bool:
    """The column of a feature table holds something else, by its name."""
    words = {word.casefold() for word in _WORD.findall(name)}
    plain = name.casefold().rstrip("0123456789").rstrip("_ .-")
    return plain in _NO_FEATURES or not words.isdisjoint(_NO_FEATURE_WORDS)


def feature_cells(entry: FileEntry, columns: Sequence[str], relation: str) -> str:
    """The stage with one row per record and feature column, the feature in CELL, as SQL.

    A region is the first of the entry's regions that the column's name begins with and an
    underscore follows; the feature's name is the rest.
    """
    table = entry.features
    assert table is not None
    regions = sorted(table.regions, key=len, reverse=True)
    structs = []
    for name in columns:
        region = next((word for word in regions if name.startswith(f"{word}_")), None)
        feature = name if region is None else name[len(region) + 1 :]
        of_region = "CAST(NULL AS VARCHAR)" if region is None else literal(region)
        structs.append(
            f"struct_pack(feature := {literal(feature)}, region := {of_region}, "
            f"value := {identifier(name)})"
        )
    return f"(SELECT *, unnest([{', '.join(structs)}]) AS {CELL} FROM {relation})"


def plain_features(
    entry: FileEntry, columns: Sequence[str], *, place: str, has_patients: bool, first_day: str
) -> FileEntry:
    """An entry of the layout radiomics as a plain one, its columns found by their names.

    Args:
        entry: the entry, with its radiomics table.
        columns: the file's columns.
        place: how to name the entry in a message.
        has_patients: whether the source has subject ids.
        first_day: study day of a table that names none: that of the first dose.

    Raises:
        LesionsError: a column that is needed is not there.
    """
    assert entry.radiomics is not None
    table = entry.radiomics
    constants = dict(table.constants)
    found = columns_of_roles(table.columns, ROLES, columns)
    found = {role: name for role, name in found.items() if role not in constants}
    needed = ["lesion", *(["subject"] if has_patients else [])]
    for role in needed:
        if role not in found and role not in constants:
            raise LesionsError(
                f"{place}: no column for {role}. The file has: {listed(columns)}. Names that are "
                f"found by themselves: {listed(ROLES[role])}. Otherwise say under 'columns:' which "
                f"one it is, as '{role}: NAME'."
            )
    is_long = "value" in found and ("feature" in found or "feature" in constants)
    rules = [
        ColumnRule(variable, column=found[role])
        for variable, role in _VARIABLES.items()
        if role in found and (is_long or role not in ("feature", "value", "unit", "class"))
    ]
    rules += [
        ColumnRule(variable, value=constants[role])
        for variable, role in _VARIABLES.items()
        if role in constants
    ]
    if not {"day", "date"} & {*found, *constants}:
        rules.append(ColumnRule("rfdy", value=first_day))
    if table.is_exhaustive is not None:
        rules = [rule for rule in rules if rule.variable != "rfallfl"]
        rules.append(ColumnRule("rfallfl", value="Y" if table.is_exhaustive else "N"))
    features = None
    if not is_long:
        named = any(_PYRADIOMICS.fullmatch(name) for name in columns)
        features = entry.features or FeatureTable("pyradiomics" if named else "all", is_said=False)
    return replace(
        entry,
        columns=tuple(rules),
        derive=(
            *(
                inner
                for inner in _derived(entry, found, first_day)
                if inner.domain not in {own.domain for own in entry.derive}
            ),
            *entry.derive,
        ),
        features=features,
        radiomics=None,
    )


def _mapped(entry: FileEntry) -> set[str]:
    """Source columns that a rule of the entry reads."""
    rules = [*entry.columns, *(rule for inner in entry.derive for rule in inner.columns)]
    named = {rule.column for rule in rules if rule.column is not None}
    return named.union(*(expression_columns(rule.sql) for rule in rules if rule.sql is not None))


def _derived(entry: FileEntry, found: dict[str, str], first_day: str) -> tuple[DeriveEntry, ...]:
    table = entry.radiomics
    assert table is not None
    constants = dict(table.constants)
    identity = [
        ColumnRule(variable, column=found.get(role), value=constants.get(role))
        for variable, role in {"usubjid": "subject", "tulnkid": "lesion"}.items()
        if role in found or role in constants
    ]
    tumor = [
        *identity,
        ColumnRule("tutestcd", value="TUMIDENT"),
        ColumnRule("tutest", value="Tumor Identification"),
        # Segmented, but never measured: RECIST calls such lesions non-target.
        ColumnRule("tuorres", value="NON-TARGET"),
    ]
    if "site" in found:
        tumor.append(ColumnRule("tuloc", column=found["site"]))
    elif "site" in constants:
        tumor.append(ColumnRule("tuloc", value=constants["site"]))
    elif table.site is not None:
        tumor.append(ColumnRule("tuloc", value=table.site))
    named = [identifier(rule.column) for rule in identity if rule.column is not None]
    lesion = f"PARTITION BY {', '.join(named)}" if named else ""
    if "day" in found:
        day = f"TRY_CAST({identifier(found['day'])} AS DOUBLE)"
        tumor.append(ColumnRule("tudy", sql=f"min({day}) OVER ({lesion})"))
    elif "date" in found:
        date = identifier(found["date"])
        if entry.date_formats:
            date = date_sql(date, entry.date_formats)
        tumor.append(ColumnRule("tudtc", sql=f"min({date}) OVER ({lesion})"))
    else:
        tumor.append(ColumnRule("tudy", value=first_day))
    derived = [DeriveEntry("tu", tuple(tumor), tuple(rule.variable for rule in identity))]
    if identity[0].variable == "usubjid":
        subject = (identity[0],)
        derived.append(DeriveEntry("dm", subject, ("usubjid",)))
    return tuple(derived)

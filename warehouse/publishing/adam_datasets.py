"""The analysis datasets of the layer ``adam`` as one published file has them: variables, labels,
derivations, and the rows of each study.

A column's comment is the variable's label, and after a semicolon where it comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from warehouse.database import ident, open_published, qualified, quoted
from warehouse.errors import LesionsError

if TYPE_CHECKING:
    import pandas

SCHEMA = "adam"
WAREHOUSE_KEYS = ("patient_id", "study_id", "lesion_id", "time_point_id")
"""Columns of the views that lead back into the warehouse, and are no variables."""
ORDER = ("ADSL", "ADTR", "ADRS", "ADTTE", "ADLB", "ADLES", "ADHET")
"""The datasets, in the order in which a reviewer reads them."""
KINDS = {"VARCHAR": "text", "DOUBLE": "float", "INTEGER": "integer", "DATE": "date"}

MAX_NAME = 8
MAX_LABEL = 40
MAX_TEXT_BYTES = 200


@dataclass(frozen=True)
class Variable:
    """One variable of a dataset."""

    name: str
    label: str
    derivation: str
    kind: str
    """text, float, integer or date."""
    sources: tuple[str, ...]
    """Columns of the warehouse that it is computed from, ``schema.table.column``."""


@dataclass(frozen=True)
class Dataset:
    """One analysis dataset of the warehouse, all studies."""

    name: str
    label: str
    description: str
    structure: str
    keys: tuple[str, ...]
    variables: tuple[Variable, ...]


@dataclass(frozen=True)
class StudyDataset:
    """One analysis dataset of one study, with its rows."""

    dataset: Dataset
    frame: pandas.DataFrame
    """One column per variable, in their order: text objects, numbers, or datetime64."""
    lengths: Mapping[str, int]
    """Bytes of the longest value of each text variable, at least 1."""


@dataclass(frozen=True)
class Datasets:
    """All analysis datasets of one published file, and a connection that reads them."""

    connection: duckdb.DuckDBPyConnection
    datasets: tuple[Dataset, ...]
    studies: tuple[tuple[str, str], ...]
    """Id and title of each study that has subjects."""
    without_subjects: tuple[str, ...]
    """Studies whose source names no patients: nothing of them can be an analysis dataset."""
    finished_at: str
    """When the run that published the file ended, UTC, ISO 8601."""
    version: str
    decodes: Mapping[str, Mapping[str, str]]
    """Words for coded values, by variable: parameters, and rules."""

    def of_study(self, study_id: str) -> list[StudyDataset]:
        """The datasets of a study that have rows, in order."""
        found = []
        for dataset in self.datasets:
            names = ", ".join(
                f"{ident(v.name.lower())} AS {ident(v.name)}" for v in dataset.variables
            )
            keys = ", ".join(ident(key.lower()) for key in dataset.keys)
            frame = self.connection.sql(
                f"SELECT {names} FROM {ident(_temporary(dataset.name))} "
                f"WHERE study_id = {quoted(study_id)} ORDER BY {keys}"
            ).df()
            if len(frame) or dataset.name == "ADSL":
                found.append(StudyDataset(dataset, frame, _text_lengths(dataset, frame)))
        return found


def _text_lengths(dataset: Dataset, frame: pandas.DataFrame) -> dict[str, int]:
    lengths = {}
    for variable in dataset.variables:
        if variable.kind == "text":
            texts = frame[variable.name].dropna()
            lengths[variable.name] = max((len(text.encode()) for text in texts), default=1) or 1
    return lengths


@contextmanager
def open_datasets(published: Path) -> Iterator[Datasets]:
    """The analysis datasets of a published file, worked out once.

    Raises:
        LesionsError: no warehouse, one without the layer, or a variable whose name or label does
            not fit a transport file.
    """
    with open_published(published) as connection:
        there = connection.execute(
            "SELECT list(view_name) FROM duckdb_views() WHERE schema_name = ?", [SCHEMA]
        ).fetchall()[0][0]
        if not {name.lower() for name in ORDER} <= set(there or ()):
            raise LesionsError(
                f"{published} has no analysis datasets: an older version or a run of selected "
                "models made it. 'lesions run' builds them."
            )
        datasets = tuple(_describe(connection, name) for name in ORDER)
        for dataset in datasets:
            view = qualified(f"{SCHEMA}.{dataset.name.lower()}")
            connection.execute(
                f"CREATE TEMP TABLE {ident(_temporary(dataset.name))} AS SELECT * FROM {view}"
            )
        yield _gather(connection, datasets)


def _temporary(name: str) -> str:
    return f"rows_of_{name.lower()}"


def _describe(connection: duckdb.DuckDBPyConnection, name: str) -> Dataset:
    """One dataset from its comments, its key and its lineage."""
    table = f"{SCHEMA}.{name.lower()}"
    sources: dict[str, list[str]] = {}
    for column, source in connection.execute(
        "SELECT column_name, from_table || '.' || from_column FROM meta.lineage_column "
        "WHERE table_name = ? ORDER BY ALL",
        [table],
    ).fetchall():
        sources.setdefault(column, []).append(source)
    variables = []
    for column, kind, comment in connection.execute(
        "SELECT column_name, data_type, comment FROM duckdb_columns() "
        "WHERE schema_name = ? AND table_name = ? ORDER BY column_index",
        [SCHEMA, name.lower()],
    ).fetchall():
        if column in WAREHOUSE_KEYS:
            continue
        label, _, derivation = (comment or "").partition("; ")
        if not re.fullmatch(rf"[A-Za-z][A-Za-z0-9_]{{0,{MAX_NAME - 1}}}", column):
            raise LesionsError(f"{table}.{column}: a variable's name has at most 8 characters.")
        if not 0 < len(label) <= MAX_LABEL or not label.isascii():
            raise LesionsError(
                f"{table}.{column}: the label {label!r} is not 1 to {MAX_LABEL} ASCII characters."
            )
        if kind not in KINDS:
            raise LesionsError(f"{table}.{column}: {kind} is no type of a variable.")
        variables.append(
            Variable(
                *(column.upper(), label, derivation, KINDS[kind]),
                tuple(sources.get(column, ())),
            )
        )
    comment, grain, keys = connection.execute(
        "SELECT view.comment, model.grain, model.key_columns FROM duckdb_views() AS view "
        "INNER JOIN meta.model AS model ON model.name = view.schema_name || '.' || view.view_name "
        "WHERE view.schema_name = ? AND view.view_name = ?",
        [SCHEMA, name.lower()],
    ).fetchall()[0]
    label = re.split(r" \(|:", comment)[0]
    if len(label) > MAX_LABEL:
        raise LesionsError(f"{table}: the label {label!r} has more than {MAX_LABEL} characters.")
    names = [variable.name for variable in variables]
    own = tuple(k for k in (k.strip().upper() for k in keys.split(",")) if k in names)
    if name == "ADLES":
        own = ("ASEQ",)
    return Dataset(
        name=name,
        label=label,
        description=comment,
        structure=grain.replace("patient_id", "subject").replace("lesion_id", "lesion"),
        keys=("STUDYID", "USUBJID", *own),
        variables=tuple(variables),
    )


def _gather(connection: duckdb.DuckDBPyConnection, datasets: tuple[Dataset, ...]) -> Datasets:
    studies = connection.execute(
        "SELECT study_id, coalesce(title, study_id), study_id IN "
        f"(SELECT study_id FROM {_temporary('ADSL')}) FROM core.study ORDER BY study_id"
    ).fetchall()
    finished_at, version = connection.execute(
        "SELECT strftime(finished_at, '%Y-%m-%dT%H:%M:%S'), version FROM meta.run "
        "ORDER BY finished_at DESC, run_id DESC LIMIT 1"
    ).fetchall()[0]
    rules = connection.execute(
        "SELECT rule_id, sentence FROM staging.endpoint_rule UNION ALL "
        "SELECT rule_id, sentence FROM staging.event_rule"
    ).fetchall()
    return Datasets(
        connection=connection,
        datasets=datasets,
        studies=tuple((study, title) for study, title, has_subjects in studies if has_subjects),
        without_subjects=tuple(study for study, _, has_subjects in studies if not has_subjects),
        finished_at=finished_at,
        version=version,
        decodes={"RULEID": dict(rules)},
    )

"""Building simulated projects, asking them, and reading what was planted in them."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from warehouse.project import Project, create_project
from warehouse.run import run_project
from warehouse.simulate import write_trials

Row = tuple[str, str, int]
"""(study, file, row): 1 is the first record after the header."""


@dataclass(frozen=True)
class Planted:
    """Places that truth/defects.csv lists for one defect."""

    rows: frozenset[Row]
    subjects: frozenset[tuple[str, str]]
    """(study, subject as the row writes it)."""
    is_detectable: bool


def read_truth(folder: Path) -> dict[str, Planted]:
    """What was planted, by defect_id."""
    rows: dict[str, set[Row]] = defaultdict(set)
    subjects: dict[str, set[tuple[str, str]]] = defaultdict(set)
    detectable: dict[str, bool] = {}
    with (folder / "truth" / "defects.csv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            key = line["defect_id"]
            rows[key].add((line["study"], line["file"], int(line["row"])))
            subjects[key].add((line["study"], line["subject"]))
            detectable[key] = line["detectable"] == "true"
    return {
        key: Planted(frozenset(rows[key]), frozenset(subjects[key]), detectable[key])
        for key in rows
    }


def build(folder: Path, *, patients: int, seed: int, messy: bool) -> Project:
    """Simulates trials and runs the whole project, checks and all."""
    write_trials(folder, "mcrc", patients=patients, seed=seed, messy=messy)
    project = create_project(folder)
    run_project(project)
    return project


def ask(project: Project, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query on the published warehouse."""
    with duckdb.connect(str(project.published), read_only=True) as connection:
        return connection.execute(sql).fetchall()

"""Projects of simulated trials, and their copies for Spark."""

from __future__ import annotations

import csv
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from itertools import cycle
from pathlib import Path

from engines.sparkkit import SMALL
from processes import wait_for

from warehouse.project import Project, create_project, open_project
from warehouse.simulate import write_trials

BY_HAND: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "tr.csv": {
        "TRDTC": (
            *(
                "2014-01",
                "2014",
                "2007-01-20T10:30",
                "2014/01/02",
                "infinity",
                "epoch",
                "02JAN2014",
                "",
            ),
        ),
        "TRDY": ("12.0", "12.7", ".5", "1e3", "-0", "12 ", "NaN", "1d", ""),
        "TRSTRESN": ("1d", "1.5f", "NaN", "inf", " 12 ", "1e400", "0.0", "-3", "12.50", ".5", ""),
        "TRSTRESC": ("12.0", "<5", "TOO SMALL TO MEASURE", "0,5", "straße", ""),
    },
    "tu.csv": {
        "TULOC": ("liver ", "Straße", "LUNG, LEFT", "", "LIVER\\2"),
        "TUDTC": ("2007-01", "2007", ""),
    },
    "rs.csv": {"RSDTC": ("2008-02", "2008", "")},
    "dm.csv": {"RFSTDTC": ("2006-07",), "AGE": ("66.0", "70.5")},
    "lb.csv": {"LBSTRESN": ("1d", "5.0E0", "<1", "0x1A", ""), "LBDY": ("12.0", "-3.0", "")},
}
"""Values that DuckDB and Spark read each in its own way, by file and column."""
STRIDE = 5
"""Each column of BY_HAND has one of its values in every fifth row."""


def made(folder: Path, *, messy: bool, patients: int) -> Project:
    """A project of simulated trials."""
    write_trials(folder, "mcrc", patients=patients, seed=11, messy=messy)
    create_project(folder)
    return open_project(folder)


def made_by_hand(folder: Path) -> Project:
    """Three trials, 20 patients: planted defects, habits of real trials, and values of BY_HAND.

    The second one has each fourth size twice, as it is and a tenth larger: ties of a day.
    """
    with tempfile.TemporaryDirectory() as scratch:
        messy, habits = Path(scratch) / "messy", Path(scratch) / "habits"
        write_trials(messy, "mcrc", patients=60, seed=5, messy=True)
        write_trials(habits, "mcrc", patients=30, seed=12, habits=True, markers=True)
        for trial in (messy / "MCRC03", messy / "MCRC04", habits / "MCRC06"):
            place = trial.parent / "studies" / trial.name
            shutil.copytree(place, folder / "studies" / trial.name)
    plant_by_hand(folder / "studies" / "MCRC06")
    repeat_sizes(folder / "studies" / "MCRC04" / "tr.csv")
    create_project(folder)
    return open_project(folder)


def plant_by_hand(study: Path) -> None:
    """Writes the values of BY_HAND over a study's own."""
    for name, columns in BY_HAND.items():
        with (study / name).open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for place, (column, values) in enumerate(columns.items()):
            for row, value in zip(rows[place::STRIDE], cycle(values), strict=False):
                row[column] = value
        write_rows(study / name, rows)


def repeat_sizes(file: Path) -> None:
    """Adds to each fourth size two of the same lesion and day: the same one, and a larger one."""
    with file.open(newline="", encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    number = len(rows)
    for row in [row for row in rows if row["TRSTRESN"]][::4]:
        larger = f"{float(row['TRSTRESN']) * 1.1:.1f}"
        for change in ({}, dict.fromkeys(("TRORRES", "TRSTRESC", "TRSTRESN"), larger)):
            number += 1
            rows.append({**row, **change, "TRSEQ": str(number)})
    write_rows(file, rows)


def write_rows(file: Path, rows: list[dict[str, str]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def for_spark(project: Project, folder: Path, master: str) -> Project:
    """A copy of a project with its loaded studies and nothing published, for a cluster."""
    shutil.copytree(project.root, folder)
    (folder / project.published.name).unlink()
    (folder / ".lesions" / project.log.name).unlink()
    settings = f"[run]\nengine = 'spark'\n[spark]\nmaster = '{master}'\noptions = '{SMALL}'\n"
    (folder / "lesions.toml").write_text(settings)
    return open_project(folder)


def at_stage(project: Project, stage: str, act: Callable[[], object]) -> None:
    """Does something once the run's log names a stage."""
    wait_for(project.log, f'"{re.escape(stage)}"', 600)
    act()
